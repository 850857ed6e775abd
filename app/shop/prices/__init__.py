"""Prices of products: rules of premium by quantity, and what goods cost at the market's ask.

Owns `price_rules`, `price_rule_tiers`, `price_changes` and `price_effects`. A rule is never
rewritten: a change is another version, and only its end is added. A product has the most specific
rule alone; without one it is not for sale. Nothing is sold at mid. A change that moves a price far
takes two people.
"""
