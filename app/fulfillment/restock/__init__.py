"""Restock: what shelves need, orders to suppliers, what arrives, and what is owed for it.

A need is of a product at a location. It becomes a line of one purchase order, once. Needs and
orders are planned under one lock, so that what is on order is never read while another transaction
adds to it.
"""
