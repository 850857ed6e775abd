"""Books: the trial balance, balance sheet and income statement at any past instant.

Every figure is in dollars to the cent, and every statement closes exactly. What is read is decided
by the kind of an account, so a new class of accounts appears by itself.
"""
