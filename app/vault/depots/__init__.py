"""Depots: companies that keep goods of ours at locations of the kind depot, and list them each day.

Owns no table: what they list is compared with the ledger (`app/reconciliation`).
"""
