"""How goods are fulfilled: through JM Bullion or Brink's, each with its terms.

`rules.choose` decides by what the order names, the value, the destination and the caps, and says
why.
"""
