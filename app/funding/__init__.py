"""Funding: what a customer holds, and moves between their own accounts.

Owns transfers. PAXG becomes XAU-s and XAU-s becomes PAXG one to one by weight, through the backing
accounts, so that every ounce minted stands against an ounce of PAXG set aside in the same entry.
"""
