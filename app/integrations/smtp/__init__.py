"""Email sent through our own server by SMTP (RFC 5321), with TLS and a limit on the whole call."""
