"""Opening hours of branches: of a week, and of days that differ.

Owns `branch_days`; the hours of a week are a column of `branches`.
"""
