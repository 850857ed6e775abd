"""Prices of products: rules of premium by quantity, and what goods cost at the market's ask.

Owns `price_rules` and `price_rule_tiers`. A rule is never rewritten: a change is another version,
and only its end is added. A product has the most specific rule alone; without one it is not for
sale. Nothing is sold at mid.
"""
