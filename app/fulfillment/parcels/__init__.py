"""The parcels of a shipment: split so that each is insured for what it is worth.

Owns `shipment_parcels` and `shipment_parcel_units`. The id of a parcel is what `labels` and
`tracking` know it by.
"""
