"""Deposits: each is credited once, whatever the provider and our own processes do.

`service` has the customer's verbs and the changes of a deposit's row; `payments` drives what a
processor collects (cards, mobile money); `incoming_transfers` credits bank transfers.
"""
