"""Parcels that do not arrive: they come back, or are lost or destroyed.

The goods of such a parcel pass to a shipment of its own, so that the other parcels go on. It ends
when its goods are sent again by a new shipment, or are given back: to the shelf, and what they cost
to the customer.
"""
