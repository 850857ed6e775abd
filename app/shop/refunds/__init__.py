"""Refunds of paid orders: goods that come back to us, and the money that goes back for them.

Owns `shop_refunds` with their parts, market losses and payments. The public id of a refund is the
reference of its entry. Invariant: the refunds of an order are together no more than it was paid.
"""
