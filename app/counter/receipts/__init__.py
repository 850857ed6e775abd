"""Receipts of the counter: one for each act with a customer, numbered in each branch.

Owns `cash_receipts`. The first print is the receipt; what is issued later is marked as a copy.
"""
