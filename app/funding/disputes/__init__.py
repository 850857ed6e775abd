"""Disputes: a customer's bank takes a deposit back; PBCEx wins or loses the dispute."""
