"""PBCEx, the People's Bank & Commodities Exchange: one application, layered.

A package imports only what stands below it, never up and never sideways:

    factory                      connects every wire, here and nowhere else
    blueprints | jobs | cli      the edges: HTTP, background work, the command line
    integrations | models | tasks  the network's adapters; every table, every task in one place
    hedging                      what is owed against what is held
    trading                      quotes and conversion orders
    custody | wallet | pricing   mints and burns, balances and transfers; prices
    ledger | messages            the only truth about amounts; what people are told
    identity | catalog           people and sessions; assets and metals
    outbox | idempotency         jobs staged with the fact; one key, one effect, one answer
    access                       who may do what: pure, no tables
    kit                          domain-free tools
    config | embedded            typed settings; servers for a machine that has none

The contracts in pyproject.toml are checked by bin/test. docs/adr/ says why.
"""
