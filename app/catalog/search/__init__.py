"""Search of products: words, mistyped words and synonyms. Owns `product_words` and
`search_synonyms`.

What a product is found by are its words in `products.search`, which the database derives. A word
that no product has is replaced by similar ones, and a synonym adds what it means.
"""
