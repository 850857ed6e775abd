"""Fulfilment: goods on their way from a location to the person who gets them.

Knows neither orders nor redemptions: they are the subjects of what is sent.
"""
