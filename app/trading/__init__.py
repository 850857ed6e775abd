"""Trading: quotes and market conversion orders between any two tradable assets.

Owns quotes and orders. A quote is filled at most once; an order is one ledger entry, with the fee
and the spread as postings of their own; what it moved can be derived again from its row.
"""
