"""Settings of production that are safe, for tests that change one of them."""

RANDOM = "Jx0v9T2mQe7LrY4uKc8Wb1Zs6Hd3PfGa"
DATABASE = "postgresql://pbcex_app:x@db.internal/pbcex"
OWNER = "postgresql://pbcex_owner:x@db.internal/pbcex"
REDIS = "rediss://:a-password@redis.internal/0"
SAFE = {
    "PBCEX_ENV": "production",
    "DATABASE_URL": f"{DATABASE}?sslmode=verify-full",
    "REDIS_URL": REDIS,
    "PBCEX_PROXIES": "1",
    "PBCEX_SECRET_KEY": RANDOM,
    "PBCEX_KEY_RING": "/etc/pbcex/keys.json",
    "PBCEX_PUBLIC_URL": "https://exchange.example.com",
    "PBCEX_SMTP_URL": "smtps://pbcex:a-password@mail.example.com",
    "PBCEX_MAIL_FROM": "PBCEx <no-reply@example.com>",
    "PBCEX_SUPPORT_EMAIL": "support@example.com",
    "PBCEX_ALLOWED_HOSTS": "exchange.example.com, api.example.com",
}
