"""The door of a provider's folder: `PROVIDER` in its provider.py, which registry.py lists."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar

from app.config import Settings
from app.config.providers import ProviderSettings
from app.custody.ports import Custodians
from app.fulfillment.carriers.ports import LabelSellers, ParcelTrackers
from app.fulfillment.partners.ports import FulfilmentPartners
from app.fulfillment.restock.purchase_orders.ports import Wholesalers
from app.funding.ports import IncomingTransferRails, PaymentRails, PayoutRails
from app.integrations.http_calls import ProviderCaller
from app.integrations.webhook_lookups import WebhookLookups
from app.kit.db import Database
from app.kyc.submission.ports import IdentityProvider
from app.messages.ports import EmailSender, SmsSender
from app.pricing.ports import PriceFeed
from app.providers.ports import WebhookVerifiers
from app.providers.service import CallLog
from app.settings import queries as settings_queries
from app.vault.depots.ports import DepotKeepers

S = TypeVar("S", bound=ProviderSettings)
GroupT = TypeVar("GroupT")


@dataclass(slots=True)
class Adapters:
    """The adapters of the connected providers, by the port that they implement."""

    payments: PaymentRails = field(default_factory=lambda: PaymentRails({}))
    incoming_transfers: IncomingTransferRails = field(
        default_factory=lambda: IncomingTransferRails({})
    )
    payouts: PayoutRails = field(default_factory=lambda: PayoutRails({}))
    custodians: Custodians = field(default_factory=lambda: Custodians({}))
    depots: DepotKeepers = field(default_factory=lambda: DepotKeepers({}))
    labels: LabelSellers = field(default_factory=lambda: LabelSellers({}))
    wholesalers: Wholesalers = field(default_factory=lambda: Wholesalers({}))
    partners: FulfilmentPartners = field(default_factory=lambda: FulfilmentPartners({}))
    tracking: ParcelTrackers = field(default_factory=lambda: ParcelTrackers({}))
    webhooks: WebhookVerifiers = field(default_factory=lambda: WebhookVerifiers({}))
    #: By the name in PBCEX_PRICE_FEEDS; each is connected only if it is named there.
    price_feeds: dict[str, Callable[[], PriceFeed]] = field(default_factory=dict)
    identity: IdentityProvider | None = None
    email: EmailSender | None = None
    sms: SmsSender | None = None


@dataclass(frozen=True)
class Connection(Generic[S]):
    """What a provider's adapters are made from: its own settings, and what all providers share."""

    id: str
    settings: S
    shared: Settings
    database: Database

    def url(self, configured: str, path: str = "") -> str:
        """Return the configured URL, else the sandbox's with `path`, else an empty text."""
        if configured or not self.shared.sandbox_url:
            return configured
        return f"{self.shared.sandbox_url}/{self.id}{path}"

    def current(self, group: type[GroupT]) -> GroupT:
        """Return the settings that the business has decided on, as they are in effect now."""
        with self.database.reading() as session:
            return settings_queries.current(session, group)

    @property
    def webhook_url(self) -> str:
        """Where the provider sends its webhooks."""
        return f"{self.shared.base_url.rstrip('/')}/webhooks/{self.id}"

    @property
    def timeout_seconds(self) -> int:
        """The time limit of a call."""
        return self.shared.provider_timeout_seconds

    @cached_property
    def caller(self) -> ProviderCaller:
        """Calls the provider, and records each call."""
        return ProviderCaller(self.id, CallLog(self.database))

    @cached_property
    def webhook_lookups(self) -> WebhookLookups:
        """Looks up what unproven webhooks of the provider name."""
        return WebhookLookups(self.id, self.database)


@dataclass(frozen=True, slots=True)
class Provider(Generic[S]):
    """A company whose API we use.

    `id` is in webhook URLs, in the sandbox's URLs and in stored rows, and never changes. `connect`
    adds the provider's adapters, and none if the connection has no URL.
    """

    id: str
    name: str
    settings: type[S]
    connect: Callable[[Connection[S], Adapters], None]
