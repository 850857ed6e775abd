"""What is bought: how many people buy a product, and what is bought together with it.

Owns `bought_together`. Both are counted at night from the orders of the last days, so that no
search reads orders. A pair of products is kept once enough people bought both in one order, and
without how many they are: it says nothing of the cart of any of them.
"""
