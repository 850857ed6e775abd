"""PBCEx, the People's Bank & Commodities Exchange: one application, layered.

A package imports only what stands below it, never up and never sideways:

    factory                          creates the application: its table of contents
    wiring                           connects every wire, here and nowhere else
    sample                           a small living business, for evaluation and tests
    blueprints | jobs | cli          the edges: HTTP, background work, the command line
    integrations | models | tasks    the network's adapters; every table; every task
    books                            what the books say: balance sheet, result; closed periods
    reporting                        movements and journals, read across: moves nothing
    privacy                          consents, copies of what is held on people, erasing them
    helpdesk | counter               what staff know of a customer, their queue; cash in drawers
    reconciliation                   our books against themselves and providers' lists
    lists                            what staff keep about the lists of the desks
    hedging                          what is owed against what is held
    shop | redemption                what customers see and buy; metal that becomes goods
    fulfillment                      goods on their way to people, and who carries them
    documents | storage_fees         invoices: numbers without gaps, and PDF; what storing costs
    trading | funding | compliance   conversion orders; money in and out; what the law asks of cash
    vault                            goods on shelves
    pricing | custody | kyc          prices; who keeps our tokens; who people are
    tax                              what an invoice owes to a state, and who is exempt
    screening                        sanctions lists, and who was checked against them
    flags | ledger | messages        what is switched on; amounts; delivery of messages
    identity                         people and their sessions
    providers | branches             what was said between us and providers; branches
    cases                            findings to investigate
    keys                             the key ring, field encryption at rest
    settings | imports               what the business decides, with its history; CSV files
    approvals                        acts that need a second person
    notifications                    what people are notified of, with its facts
    outbox                           jobs staged with the fact that needs them
    catalog                          assets, metals, methods of paying, products
    audit                            the sealed trail of acts
    idempotency | throttle | limits  one key, one effect; rates; sums
    access | pictures                who may do what; files that people send, drawn anew
    kit                              domain-free tools
    config | embedded                typed settings; servers for a machine that has none

`bin/test` holds the contracts in pyproject.toml to this. docs/adr/0011-import-layers.md says why.
"""

import gc

#: A program makes a million objects when it loads, none of them garbage. The collector would go
#: through them for a quarter of that time, if it started at every 700 of them.
_NEW_OBJECTS = 50_000

gc.set_threshold(_NEW_OBJECTS)
