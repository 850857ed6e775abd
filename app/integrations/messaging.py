"""The configured sender of email."""

from app.config import Settings
from app.integrations.smtp.adapter import SmtpEmailSender, SmtpServer, UnconfiguredEmailSender
from app.messages.ports import EmailSender


def choose_email_sender(settings: Settings, sendgrid: EmailSender | None) -> EmailSender:
    """Return the configured sender of email; `sendgrid` is None if it has no URL."""
    if settings.mailer == "sendgrid":
        return sendgrid or UnconfiguredEmailSender("SENDGRID_BASE_URL")
    if not settings.smtp_url:
        return UnconfiguredEmailSender("PBCEX_SMTP_URL")
    return SmtpEmailSender(
        SmtpServer.from_url(settings.smtp_url),
        settings.mail_from,
        timeout_seconds=settings.smtp_timeout_seconds,
    )
