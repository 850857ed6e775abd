"""Bars: those that have a serial number and a weight of their own.

Owns `bars` and `bar_states`. A bar is a lot of one unit. `bars` says where it is and in which
state, and `bar_states`, which is only appended to, each state it came to with the reference of the
ledger's entry. At every commit the bars of a product in a state at a location are as many as the
units of its account there, and those that a pending hold reserves as many as it holds.

`lots` and `stock` keep them in step: whatever moves a product with serials names its lots.
"""
