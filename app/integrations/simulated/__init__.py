"""Prices for demonstrations and tests: plausible, repeatable, and refused in production."""
