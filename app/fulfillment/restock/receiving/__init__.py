"""Receiving: what arrived of a purchase order, counted here, at the price that was agreed.

Owns `purchase_receipts`. The goods become lots of the vault, and what they cost is owed to the
supplier.
"""
