"""Trading: quotes and market conversion orders between any two tradable assets.

Owns quotes and orders. A quote is filled at most once. An order is one ledger entry with the fee
and the spread as postings of their own, and its row is enough to derive the entry again.
"""
