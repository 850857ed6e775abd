"""Quotes of redemptions: which pieces cover an amount of metal, and what that costs.

Owns `redemption_quotes` with their items. A quote keeps prices for some minutes and reserves
nothing: pieces and balances are held when it is used, once.
"""
