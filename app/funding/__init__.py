"""Funding: money and tokens in and out, and gold between a customer's two accounts.

- `deposits`: what customers pay in, by card, mobile money, bank or token transfer.
- `withdrawals`: what customers have paid out to themselves, held from the request on.
- `transfers`: PAXG to XAU-s and back, one to one by weight.
- `disputes`: deposits that the customer's bank takes back.
- `receivables`: what a customer owes PBCEx because a deposit was taken back.

Shared by them: `ports` (the rails that providers implement), `states` (statuses and the allowed
transitions), `limits` (how much and how often a person may pay), `models`, `errors`, `personal`,
`custody_rail` (tokens through custody) and `poll` (checks again what is in progress).
"""
