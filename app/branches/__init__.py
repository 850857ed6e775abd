"""Branches: the places where customers are served.

Owns `branches`. A branch has a unique short code. Identity keeps which staff work at a branch;
tellers see their own branch's data only (`access.branch_scope`).
"""
