"""Redemptions from their request to the delivery.

Owns `redemptions` with their parts and events. Whoever changes one locks its row first.
"""
