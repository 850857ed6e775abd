"""Duties of the law about money: cash reports, and the log of checks at the counter."""
