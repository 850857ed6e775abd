"""Numbered documents of a sale: invoices. They are requested with the act that they document, and
numbered after its commit by one job for each legal entity and kind, so that no number is missing
and no act waits for the counter.
"""
