"""The counter: the cash of branches, in drawers and safes, and what tellers do with it.

Owns `drawers`, `safes` and `cash_movements`.
"""
