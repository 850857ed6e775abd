"""E-mail handed to a server of ours by SMTP (RFC 5321), with TLS and a limit on the whole call."""
