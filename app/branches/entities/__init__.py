"""Legal entities: the companies that PBCEx is, and those that carry its name.

Owns `legal_entities`. A branch belongs to one; the first was made with the database.
"""
