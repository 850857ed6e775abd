"""What customers submit about themselves and their companies, and the checks that follow."""
