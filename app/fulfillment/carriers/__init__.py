"""Carriers: what FedEx and UPS do for us, and the words for it. Owns no table."""
