"""Where goods may not go, and to whom."""
