"""Shipments by order and location: requested, picked, packed, shipped, delivered.

Owns `shipments`, `shipment_lines` and `shipment_events`. The row of a shipment, locked, decides
races: who requested the shipment cancels it in the transaction of its own act, and is refused once
picking has begun. Locks are taken in this order: the subject's row, its shipments by id, stock, the
ledger.
"""
