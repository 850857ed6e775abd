"""Transfers of goods between locations: sent, in transit, received.

Owns `stock_transfers`, `stock_transfer_lines` and `stock_transfer_receipts`. Goods that were sent
are in transit at the location that sent them, with their lots. Each receipt moves units, lots,
ounces and premium to the other location in one entry. What is missing when the receiver closes the
transfer stays in transit, and a case is open, until it is found or written off.
"""
