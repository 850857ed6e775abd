"""Prices from a file, to replay history."""
