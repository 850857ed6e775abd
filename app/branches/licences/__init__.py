"""Licences of legal entities and of branches, and the warning before one expires.

Owns `licences`. One that is renewed keeps its row, so the audit trail has its history.
"""
