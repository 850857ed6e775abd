"""Configured senders of email and SMS, and the verifiers of their webhooks."""

import base64

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.config import Settings
from app.config.providers import sandbox_secret
from app.integrations.http_calls import ProviderCaller
from app.integrations.sendgrid.adapter import SendGridEmailSender
from app.integrations.sendgrid.webhook import SendGridWebhookVerifier
from app.integrations.smtp.adapter import SmtpEmailSender, SmtpServer, UnconfiguredEmailSender
from app.integrations.twilio.adapter import TwilioSmsSender, UnconfiguredSmsSender
from app.integrations.twilio.client import TwilioAccount
from app.integrations.twilio.webhook import TwilioWebhookVerifier
from app.messages.ports import EmailSender, SmsSender
from app.providers.ports import WebhookVerifier
from app.providers.service import CallLog

_TWILIO, _SENDGRID = "twilio", "sendgrid"


def build_email_sender(settings: Settings, calls: CallLog) -> EmailSender:
    """Return the configured sender of email."""
    if settings.mailer == _SENDGRID:
        base_url = settings.provider_url(settings.sendgrid_base_url, _SENDGRID)
        if not base_url:
            return UnconfiguredEmailSender("SENDGRID_BASE_URL")
        key = settings.sendgrid_api_key.get_secret_value() or sandbox_secret("sendgrid key")
        return SendGridEmailSender(
            base_url,
            key,
            settings.mail_from,
            ProviderCaller(_SENDGRID, calls),
            timeout_seconds=settings.provider_timeout_seconds,
        )
    if not settings.smtp_url:
        return UnconfiguredEmailSender("PBCEX_SMTP_URL")
    return SmtpEmailSender(
        SmtpServer.from_url(settings.smtp_url),
        settings.mail_from,
        timeout_seconds=settings.smtp_timeout_seconds,
    )


def build_sms_sender(settings: Settings, calls: CallLog) -> SmsSender:
    """Return the configured sender of SMS."""
    account = _twilio(settings)
    if account is None:
        return UnconfiguredSmsSender()
    return TwilioSmsSender(
        account,
        ProviderCaller(_TWILIO, calls),
        callback_url=_twilio_callback(settings),
        timeout_seconds=settings.provider_timeout_seconds,
    )


def build_webhook_verifiers(settings: Settings) -> dict[str, WebhookVerifier]:
    """Return the verifiers of delivery events, by provider."""
    verifiers: dict[str, WebhookVerifier] = {}
    account = _twilio(settings)
    if account is not None:
        verifiers[_TWILIO] = TwilioWebhookVerifier(account, callback_url=_twilio_callback(settings))
    if settings.provider_url(settings.sendgrid_base_url, _SENDGRID):
        key = settings.sendgrid_webhook_key.get_secret_value() or _sandbox_public_key()
        verifiers[_SENDGRID] = SendGridWebhookVerifier(key)
    return verifiers


def _twilio(settings: Settings) -> TwilioAccount | None:
    base_url = settings.provider_url(settings.twilio_base_url, _TWILIO)
    if not base_url:
        return None
    credentials = (
        (settings.twilio_account_sid, f"AC{sandbox_secret('twilio account')[:32]}"),
        (settings.twilio_auth_token, sandbox_secret("twilio token")[:32]),
        (settings.twilio_from, "+15005550006"),
    )
    return TwilioAccount(
        base_url,
        *(secret.get_secret_value() or sandbox_default for secret, sandbox_default in credentials),
    )


def _twilio_callback(settings: Settings) -> str:
    return f"{settings.base_url.rstrip('/')}/webhooks/{_TWILIO}"


def _sandbox_public_key() -> str:
    """Return the public key of the sandbox's events, encoded as SendGrid shows it."""
    secret = int(sandbox_secret("sendgrid webhook"), 16)
    public = ec.derive_private_key(secret >> 1, ec.SECP256R1()).public_key()
    return base64.b64encode(
        public.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    ).decode()
