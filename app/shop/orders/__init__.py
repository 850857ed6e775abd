"""Orders of goods: what a customer bought, how it was paid, and where it goes.

Owns `shop_orders` with their lines, parts, payments and events. The public id of an order is the
reference of the entry that sold its goods. Invariant: an order that is paid has that entry.
"""
