"""The ledger: the only truth about amounts.

Owns accounts, entries, postings, holds and balances. An entry sums to zero in each asset and is
never changed; a guarded account never goes below zero. The database enforces this (migration 0001):
the application may read these tables and writes them only through the ledger's functions.
"""
