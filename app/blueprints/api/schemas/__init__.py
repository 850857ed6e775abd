"""What travels over the wire: one file for each resource, shared fields in `fields`."""
