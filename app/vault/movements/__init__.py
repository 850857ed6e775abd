"""Movements of goods: what the ledger posted on the units at locations. Owns no table."""
