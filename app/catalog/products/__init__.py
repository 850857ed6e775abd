"""Products: the coins, bars, rounds, sheets and coils that are kept and sold, each under its SKU.

Owns `products`. A SKU is also an asset of the ledger with scale 0, so that a unit on a shelf is
counted as a dollar is. Its metal, form and weights never change: entries were posted by them. Its
details do (details.py), and the audit trail has each change.
"""
