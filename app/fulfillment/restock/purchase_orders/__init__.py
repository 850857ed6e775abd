"""Purchase orders: what is bought from one supplier for one location, and what became of it.

Owns `purchase_orders` with their lines and events. A wholesaler is called between transactions: the
price is locked, then the order is placed, once. From then on its ounces are exposure until they are
received.
"""
