"""Hedging: exposure, what PBCEx owes in each metal against what it holds, and its limits.

Owns `exposures`, the record of net exposure over time. Current exposure is not stored: it is read
from the ledger and the open quotes in one snapshot. Ounces are troy ounces of fine metal with 8
decimals, whatever asset they are owed in: PAXG counts as gold, and is worth its own price.
"""
