"""Inventory: the stock of each product at each location with what its units cost, for programs."""
