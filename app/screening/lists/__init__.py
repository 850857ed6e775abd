"""Sanctions lists: read from the published files, imported as versions, indexed in memory."""
