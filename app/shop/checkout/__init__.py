"""Checkout: what an order costs in the end, and how it is paid.

Owns no table: orders are a room of their own. Balance and metal are paid in the entry of the sale.
"""
