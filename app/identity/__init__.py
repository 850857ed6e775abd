"""People and how they prove who they are: accounts, passwords, login sessions and tokens.

Owns `users`, `login_sessions`, `refresh_tokens` and `login_failures`.

Invariants: an e-mail address belongs to one person whatever its case. A login session is the family
of its refresh tokens and is revoked once, with a reason; an access token says which session it
belongs to, and counts only while the database says that the session is not revoked and the person
is active. A refresh token is used once: a second use revokes the session. Passwords are stored
as argon2id hashes only, refresh tokens as SHA-256 only.
"""
