"""The storefront: products as customers find and read them. Owns `listings`.

A product is found, counted and sorted by its listing, a narrow row that triggers of the database
keep in the transaction of each change of products, stock and price rules. A price is of the market,
so a listing has what it is computed from. What a page shows of its products is read anew.
`flask books verify` compares listings with what they are of.
"""
