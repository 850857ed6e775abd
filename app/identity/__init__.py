"""People and how they prove who they are: accounts, passwords, login sessions, tokens, API keys;
and where they live.

Owns `users`, `login_sessions`, `refresh_tokens`, `login_failures`, `addresses`, `api_keys`,
`one_time_tokens`, `totp_credentials`, `recovery_codes`, `sign_ins`, `passkeys`,
`passkey_challenges`, and what roles may do: `permissions` and `role_grants`.

Invariants: an e-mail address belongs to one person whatever its case. A login session is the family
of its refresh tokens and is revoked once, with a reason; an access token says which session it
belongs to, and counts only while the database says that the session is not revoked and the person
is active. Staff at a browser have sessions with a secret in place of tokens (staff_sessions.py). A
refresh token is used once: a second use revokes the session. Passwords are stored as argon2id
hashes only; refresh tokens, browsers' secrets, links and recovery codes as SHA-256 only; the secret
of a second factor is sealed. A link, a recovery code and a code of the second factor work once.
"""
