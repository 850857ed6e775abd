"""Reorder points of locations: from how many available units on stock is low there.

Owns `reorder_points`. A location without one has that of the product. Both count where goods wait
for buyers, from the first delivery there on.
"""
