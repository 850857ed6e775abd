"""Alerts of low stock: one open alert for each product and location with too few units.

Owns `stock_alerts`. `service.check` runs in the transaction of each movement, and every six hours
for all stock; an alert ends by itself once enough units are available.
"""
