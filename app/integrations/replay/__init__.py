"""Prices from a file: history, and journeys through it."""
