"""Decisions about verifications, by staff and by the system."""
