"""Hedging: what the house owes in each metal against what it holds, and whether that is too much.

Owns `exposures`, the record of net exposure over time. Exposure itself is not stored: it is read
from the ledger and the open quotes, in one snapshot, whenever somebody asks. Ounces are troy
ounces of fine metal with 8 decimals, whatever asset they are owed in: PAXG counts as gold.
"""
