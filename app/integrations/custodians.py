"""Configured custodians: each one that has a URL, in our order of preference."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr

from app.config import Settings
from app.config.providers import sandbox_secret
from app.custody.ports import Custodians
from app.integrations.anchorage.adapter import NAME as ANCHORAGE
from app.integrations.anchorage.adapter import AnchorageCustodian
from app.integrations.anchorage.client import AnchorageClient
from app.integrations.anchorage.webhook import AnchorageWebhookVerifier
from app.integrations.http_calls import ProviderCaller
from app.integrations.paxos.adapter import NAME as PAXOS
from app.integrations.paxos.adapter import PaxosCustodian
from app.integrations.paxos.client import PaxosClient
from app.integrations.paxos.webhook import PaxosWebhookVerifier
from app.integrations.primetrust.adapter import NAME as PRIMETRUST
from app.integrations.primetrust.adapter import PrimeTrustCustodian
from app.integrations.primetrust.client import PrimeTrustClient
from app.integrations.primetrust.webhook import PrimeTrustWebhookVerifier
from app.kit.ports import provide
from app.providers.ports import WebhookVerifiers
from app.providers.service import CallLog


def provide_custodians(settings: Settings, calls: CallLog, webhooks: WebhookVerifiers) -> None:
    """Provide every custodian that has a URL and add its verifier to `webhooks`."""
    custodians = Custodians({})
    if paxos := _paxos(settings, calls):
        custodians[PAXOS], webhooks[PAXOS] = paxos, PaxosWebhookVerifier(paxos)
    if anchorage := _anchorage(settings, calls):
        custodians[ANCHORAGE], webhooks[ANCHORAGE] = anchorage, AnchorageWebhookVerifier(anchorage)
    if primetrust := _primetrust(settings, calls):
        custodians[PRIMETRUST], webhooks[PRIMETRUST] = (
            primetrust,
            PrimeTrustWebhookVerifier(primetrust),
        )
    provide(Custodians, custodians)


def _paxos(settings: Settings, calls: CallLog) -> PaxosCustodian | None:
    base_url = settings.provider_url(settings.paxos_base_url, "paxos/v2")
    if not base_url:
        return None
    client = PaxosClient(
        base_url,
        settings.provider_url(settings.paxos_oauth_url, "paxos/oauth2/token"),
        client_id=settings.paxos_client_id or "pbcex",
        client_secret=_key(settings.paxos_client_secret, "paxos"),
        timeout_seconds=settings.provider_timeout_seconds,
    )
    profile = settings.paxos_profile_id or "pbcex"
    return PaxosCustodian(client, ProviderCaller(PAXOS, calls), profile_id=profile)


def _primetrust(settings: Settings, calls: CallLog) -> PrimeTrustCustodian | None:
    base_url = settings.provider_url(settings.primetrust_base_url, "primetrust")
    if not base_url:
        return None
    client = PrimeTrustClient(
        base_url,
        user=settings.primetrust_user or "pbcex",
        password=_key(settings.primetrust_password, "primetrust"),
        timeout_seconds=settings.provider_timeout_seconds,
    )
    account = settings.primetrust_account_id or "pbcex"
    return PrimeTrustCustodian(client, ProviderCaller(PRIMETRUST, calls), account_id=account)


def _anchorage(settings: Settings, calls: CallLog) -> AnchorageCustodian | None:
    base_url = settings.provider_url(settings.anchorage_base_url, "anchorage/v2")
    if not base_url:
        return None
    client = AnchorageClient(
        base_url,
        access_key=_key(settings.anchorage_access_key, "anchorage"),
        signing_key=_key(settings.anchorage_signing_key, "anchorage requests"),
        timeout_seconds=settings.provider_timeout_seconds,
    )
    return AnchorageCustodian(
        client,
        ProviderCaller(ANCHORAGE, calls),
        vault_id=settings.anchorage_vault_id or "pbcex",
        address_key=settings.anchorage_address_key.get_secret_value() or _sandbox_address_key(),
    )


def _key(configured: SecretStr, name: str) -> str:
    """Return the configured key, or else the sandbox's key, which works nowhere else."""
    return configured.get_secret_value() or sandbox_secret(name)


def _sandbox_address_key() -> str:
    seed = bytes.fromhex(sandbox_secret("anchorage addresses"))
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw().hex()
