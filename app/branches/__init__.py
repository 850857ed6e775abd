"""Branches: the places where customers are served, and head office, where none is.

Owns `branches`. A branch has a unique short code and belongs to a legal entity (`entities`). Head
office is a row as well: it owns locations of goods and house accounts. Identity keeps which staff
work at a branch; tellers see their own branch's data only (`access.branch_scope`).
"""
