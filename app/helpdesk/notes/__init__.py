"""Notes of staff on a customer, for staff alone. They never change, and go with an erasure."""
