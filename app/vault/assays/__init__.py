"""Quarantine and assays: goods that are examined before they are for sale.

Owns `quarantines` and `assays`. Units come into quarantine with a reason, from the shelf or with
their delivery. Another person than the one who put them there examines them: units that pass are
for sale; units that fail stay in quarantine until they are returned to their supplier, or adjusted
away.
"""
