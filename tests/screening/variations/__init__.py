"""Other ways to write a listed name, as customers, banks and registries do.

Each generator takes a listed name and a random generator, and returns the name in another form, or
None where the form does not apply to that name. None of them reads the product's own tables.
"""
