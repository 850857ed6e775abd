"""Decisions about hits, and the people who are screened again when the list changes."""
