"""What customers pay for shipping and its insurance."""
