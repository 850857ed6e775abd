"""Identity: people's accounts, sign-in, credentials, API keys and roles.

Owns `users`, `login_sessions`, `refresh_tokens`, `login_failures`, `addresses`, `api_keys`,
`one_time_tokens`, `phone_codes`, `totp_credentials`, `recovery_codes`, `sign_ins`, `passkeys`,
`passkey_challenges`, `permissions`, `role_grants`, `sponsorships` and `staff_invitations`.

Invariants: an email address belongs to one person, whatever its case. A login session is the family
of its refresh tokens and is revoked once, with a reason. An access token names its session and is
valid only while the database has the session unrevoked and the person active. Staff browsers have
sessions with a secret in place of tokens (sign_in/staff_sessions.py). A refresh token works once: a
second use revokes the session. Passwords are stored as argon2id hashes only; refresh tokens,
browser secrets, links and recovery codes as SHA-256 only; the secret of an authenticator app is
sealed. A link, a recovery code and a code of an authenticator app work once.
"""
