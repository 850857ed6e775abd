"""Categories: a tree in which customers find products. Owns `product_categories`."""
