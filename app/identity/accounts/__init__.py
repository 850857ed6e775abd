"""People's accounts: registration, profile, address book, email verification, invitations,
status."""
