"""What staff see of a customer at a glance: their state, and everything that happened in order."""
