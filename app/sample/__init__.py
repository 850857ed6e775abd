"""The sample: a small living business, made by the product's own verbs and dated up to now.

`flask sample load` plays one timeline of dated acts (timeline.py) with the clock set to the day of
each, while the providers are played in the same process (providers.py). Each module in `parts` adds
the acts of one capability; a new capability adds a module. Refused in production, and it adds
nothing to a database that has people (state.py).
"""
