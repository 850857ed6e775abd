"""The ports: the adapter that each of them resolves to, and the configured limits."""

from collections.abc import Sequence

from app.approvals.ports import CurrentPermissions, Independence
from app.audit.keys import AuditKeys, audit_keys
from app.audit.ports import AnchorStore
from app.blueprints.list_csv import CsvLists
from app.catalog.rules import PaymentMethod
from app.config import Settings
from app.config.providers import ProviderSettings
from app.custody.ports import Custodians
from app.flags.rules import FeatureCeiling, FulfilmentStrategy
from app.fulfillment.carriers.ports import LabelSellers, ParcelTrackers
from app.fulfillment.partners.ports import FulfilmentPartners
from app.fulfillment.restock.purchase_orders.ports import Wholesalers
from app.fulfillment.shipments.rules import SubjectType
from app.fulfillment.undelivered.ports import SubjectOwners
from app.funding.custody_rail import CustodyRail
from app.funding.ports import IncomingTransferRails, PaymentRails, PayoutRails
from app.identity.credentials.one_time_tokens import OneTimeKey
from app.identity.credentials.passwords import PasswordHashing
from app.identity.roles.current_permissions import DatabasePermissions
from app.identity.roles.independence import RecordedIndependence
from app.identity.sign_in.access_tokens import AccessTokens, parse_signing_keys
from app.integrations import registry
from app.integrations.anchor_files import AnchorFiles
from app.integrations.feeds import build_market_hours, build_price_feeds
from app.integrations.messaging import choose_email_sender
from app.integrations.plaid.adapter import UnconfiguredIdentityProvider
from app.integrations.twilio.adapter import UnconfiguredSmsSender
from app.keys.ports import KeyRing
from app.keys.ring import FileKeyRing
from app.kit.db import Database
from app.kit.ports import provide
from app.kyc.submission.ports import IdentityProvider
from app.lists.ports import ListCsv
from app.messages.ports import EmailSender, SmsSender
from app.messages.rendering import Contact
from app.pricing.ports import PriceFeed
from app.pricing.rules import MarketHours
from app.privacy.consents import RecordedSaleConsents
from app.providers.ports import WebhookVerifiers
from app.redemption.requests.undelivered import UndeliveredRedemptions
from app.settings.ports import CurrentSettings
from app.settings.queries import StoredSettings
from app.shop.refunds.undelivered import UndeliveredOrders
from app.storage_fees.ports import SaleConsents
from app.vault.depots.ports import DepotKeepers


def provide_adapters(settings: Settings) -> None:
    """Provide what services and routes resolve: adapters, and configured limits."""
    provide(
        AccessTokens,
        AccessTokens(
            parse_signing_keys(settings.token_keys, settings.secret_key),
            lifetime_seconds=settings.access_token_seconds,
        ),
    )
    provide(AuditKeys, audit_keys(settings.audit_keys, settings.secret_key))
    provide(AnchorStore, AnchorFiles(settings.data_dir / "audit"))
    provide(
        PasswordHashing,
        PasswordHashing(
            memory_kib=settings.argon2_memory_kib,
            passes=settings.argon2_passes,
            lanes=settings.argon2_lanes,
        ),
    )
    provide(OneTimeKey, OneTimeKey(settings.secret_key))
    provide(Contact, Contact(settings.base_url, settings.support_email))
    provide(ListCsv, CsvLists())
    provide(KeyRing, FileKeyRing(settings.key_ring_path, create=not settings.is_production))
    provide(CurrentPermissions, DatabasePermissions())
    provide(Independence, RecordedIndependence())
    provide(CurrentSettings, StoredSettings())
    provide(SaleConsents, RecordedSaleConsents())
    provide(MarketHours, build_market_hours(settings))
    provide(FeatureCeiling, _feature_ceiling(settings))
    provide(
        SubjectOwners,
        SubjectOwners(
            {
                SubjectType.ORDER: UndeliveredOrders(),
                SubjectType.REDEMPTION: UndeliveredRedemptions(),
            }
        ),
    )


def _feature_ceiling(settings: Settings) -> FeatureCeiling:
    switches = {
        "ENABLE_VAULT_REDEMPTION": settings.enable_vault_redemption,
        "ENABLE_ONCHAIN": settings.enable_onchain,
    }
    return FeatureCeiling(
        settings.phase,
        frozenset(name for name, is_on in switches.items() if is_on),
        FulfilmentStrategy(settings.fulfillment_strategy),
    )


def provide_providers(
    settings: Settings, sections: Sequence[ProviderSettings], database: Database
) -> list[PriceFeed]:
    """Provide the adapters of providers, which record each call in the database. Return the
    price feeds.

    A feature without a provider is switched off.
    """
    adapters = registry.connect(settings, sections, database)
    if adapters.custodians:
        adapters.payouts[PaymentMethod.CRYPTO] = CustodyRail(database)
    provide(EmailSender, choose_email_sender(settings, adapters.email))
    provide(SmsSender, adapters.sms or UnconfiguredSmsSender())
    provide(IdentityProvider, adapters.identity or UnconfiguredIdentityProvider())
    provide(PaymentRails, adapters.payments)
    provide(IncomingTransferRails, adapters.incoming_transfers)
    provide(PayoutRails, adapters.payouts)
    provide(Custodians, adapters.custodians)
    provide(DepotKeepers, adapters.depots)
    provide(FulfilmentPartners, adapters.partners)
    provide(Wholesalers, adapters.wholesalers)
    provide(LabelSellers, adapters.labels)
    provide(ParcelTrackers, adapters.tracking)
    provide(WebhookVerifiers, adapters.webhooks)
    return build_price_feeds(settings, adapters.price_feeds)
