"""Redemptions from their request to the delivery.

Owns `redemptions` with their parts and events. Each verb locks the row of a redemption first.
"""
