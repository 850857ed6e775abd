"""Redemption: digital ounces become coins and bars in the hands of their owner.

A quote chooses pieces and freezes prices; a redemption holds metal, money and goods for 24 hours
until staff have decided it. Approved, it is one entry of the ledger with two legs: the customer's
metal to the position, and the goods to the customer.
"""
