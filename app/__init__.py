"""PBCEx, the People's Bank & Commodities Exchange: one application, layered.

A package imports only what stands below it, never up and never sideways:

    factory                          creates the application: its table of contents
    wiring                           connects every wire, here and nowhere else
    blueprints | jobs | cli          the edges: HTTP, background work, the command line
    integrations | models | tasks    the network's adapters; every table; every task
    reporting                        the books, read across: moves nothing
    privacy                          consents, copies of what is held on people, erasing them
    reconciliation                   our books against themselves and providers' lists
    lists                            what staff keep about the lists of the desks
    hedging                          what is owed against what is held
    trading | funding                quotes and conversion orders; balances, mints and burns
    pricing | custody | kyc          feeds and prices; who keeps our tokens; who people are
    screening                        sanctions lists, and who was checked against them
    ledger | messages                the only truth about amounts; delivery of messages
    identity                         people and their sessions
    providers                        what was said between us and providers
    cases                            findings to investigate
    keys                             the key ring, field encryption at rest
    settings                         what the business decides, with its history
    approvals | branches             acts that need a second person; branches
    notifications                    what people are notified of, with its facts
    outbox                           jobs staged with the fact that needs them
    audit | idempotency | throttle | limits   sealed trail; one key, one effect; rates; sums
    access | catalog                 who may do what; assets, metals and methods of paying
    kit                              domain-free tools
    config | embedded                typed settings; servers for a machine that has none

`bin/test` holds the contracts in pyproject.toml to this. docs/adr/0011-import-layers.md says why.
"""
