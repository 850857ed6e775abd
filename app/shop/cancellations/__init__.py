"""Cancelling orders: those that wait for payment, and paid ones whose goods were not picked.

Owns no table: what a cancelled paid order gives back, and the market loss, is a refund.
"""
