"""Price locks: prices and units that are kept for a person for some minutes.

Owns `price_locks` with their metals, lines and parts. A lock is used at most once. One that is open
past its time counts as expired everywhere, whether a sweep has noted it or not; its units are holds
of the ledger that expire at the same instant.
"""
