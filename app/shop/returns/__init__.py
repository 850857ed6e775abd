"""Returns: goods that a customer has and sends back, from the request to what becomes of them.

Owns `shop_returns` with their parts, photos and events. Invariant: of each part of an order, no
more units are refunded and being returned together than were sold
(`returning_units_are_not_refunded`).
Goods that arrived are still the customer's, until the outcome of their inspection.
"""
