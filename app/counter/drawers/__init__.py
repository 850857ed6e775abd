"""Drawers: the cash of one teller at one till, from its float to its close.

Every note that comes into a drawer or a safe, or leaves it, is in a movement, and each movement has
the reference of its entry in the ledger: `books verify` compares both. Who closes a drawer counts
it without sight of what is expected.
"""
