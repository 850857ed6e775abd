"""Roles: what each role may do, who has which role, and current permissions."""
