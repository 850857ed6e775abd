"""Domain-free tools that every room may use: nothing here knows customers or metals."""
