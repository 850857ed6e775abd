"""Claims: what a carrier, or its insurer, owes us for goods that it lost or damaged.

Owns `carrier_claims`.
"""
