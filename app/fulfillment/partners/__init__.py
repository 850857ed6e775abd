"""Partners: companies that keep goods of ours and send them to people.

Owns `partner_orders`: what a partner has done with a shipment from its depot. Staff do not touch
such a shipment; it goes on as the partner says.
"""
