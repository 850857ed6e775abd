"""Changes of paid orders until their goods are picked: fewer units, another address.

Fewer units are a cancellation of those that go; more units are a new order, at new prices.
"""
