"""Lots: what deliveries cost, and what is left of each at which location.

Owns `lots`, `lot_stock` and `lot_movements`. A lot is one product of one delivery and never
changes. `lot_stock` is what of it has not been sold: units that are for sale, in quarantine or on
their way. `lot_movements` is each change of it with the reference of the ledger's entry, and is
only appended to.

These hold at every commit: the units left of a product at a location are the units of its accounts
`stock.available`, `stock.quarantine` and `stock.in_transit` there; and what is left of a branch's
premium and ounces are its accounts `inventory.premium` and `inventory.metal`.
`app/reconciliation/invariants.py` checks it each night, and `flask books verify` on request.
"""
