"""What people sign in with: passwords, one-time links, second factors, passkeys."""
