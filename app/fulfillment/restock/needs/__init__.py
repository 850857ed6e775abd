"""Needs: how many units of a product a location lacks.

Owns `restock_needs`. A place that is low has one open need; it ends when it is ordered, when goods
are sent there from another location, or when enough units are available.
"""
