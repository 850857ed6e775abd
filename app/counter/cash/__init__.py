"""Cash of customers: paid in at a counter onto their balance, and paid out of it."""
