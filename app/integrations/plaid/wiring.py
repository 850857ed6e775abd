"""Plaid as configured."""

from app.config import Settings
from app.config.providers import sandbox_secret
from app.integrations.http_calls import ProviderCaller
from app.integrations.plaid.adapter import PlaidIdentityProvider, UnconfiguredIdentityProvider
from app.integrations.plaid.client import PlaidAccount, PlaidClient
from app.integrations.plaid.webhook import PlaidWebhookVerifier
from app.kyc.submission.ports import IdentityProvider
from app.providers.ports import WebhookVerifiers
from app.providers.service import CallLog

_NAME = "plaid"
_ENVIRONMENTS = {"live": "production", "sandbox": "sandbox"}


def build_identity_provider(
    settings: Settings, calls: CallLog, webhooks: WebhookVerifiers
) -> IdentityProvider:
    """Return the identity provider and add its verifier to `webhooks`.

    Without a URL, return a provider that is always unavailable.
    """
    base_url = settings.provider_url(settings.plaid_base_url, _NAME)
    if not base_url:
        return UnconfiguredIdentityProvider()
    account = PlaidAccount(
        base_url,
        settings.plaid_client_id,
        settings.plaid_secret.get_secret_value() or sandbox_secret(_NAME),
        settings.plaid_template_id,
        _ENVIRONMENTS[settings.plaid_mode],
        settings.provider_timeout_seconds,
    )
    client = PlaidClient(account, ProviderCaller(_NAME, calls))
    webhooks[_NAME] = PlaidWebhookVerifier(client)
    return PlaidIdentityProvider(client)
