"""Every provider that PBCEx can use; docs/providers.md says how to add one."""

from collections.abc import Sequence
from typing import Any

from app.config import Settings
from app.config.providers import ProviderSettings
from app.integrations.anchorage.provider import PROVIDER as ANCHORAGE
from app.integrations.bank.provider import PROVIDER as BANK
from app.integrations.brinks.provider import PROVIDER as BRINKS
from app.integrations.depository.provider import PROVIDER as DEPOSITORY
from app.integrations.fedex.provider import PROVIDER as FEDEX
from app.integrations.fiztrade.provider import PROVIDER as FIZTRADE
from app.integrations.jmb.provider import PROVIDER as JMB
from app.integrations.mpesa.provider import PROVIDER as MPESA
from app.integrations.paxos.provider import PROVIDER as PAXOS
from app.integrations.plaid.provider import PROVIDER as PLAID
from app.integrations.primetrust.provider import PROVIDER as PRIMETRUST
from app.integrations.provider import Adapters, Connection, Provider
from app.integrations.sendgrid.provider import PROVIDER as SENDGRID
from app.integrations.stripe.provider import PROVIDER as STRIPE
from app.integrations.twilio.provider import PROVIDER as TWILIO
from app.integrations.ups.provider import PROVIDER as UPS
from app.kit.db import Database

#: Custodians are used in this order of preference.
PROVIDERS: tuple[Provider[Any], ...] = (
    STRIPE,
    BANK,
    MPESA,
    PAXOS,
    ANCHORAGE,
    PRIMETRUST,
    DEPOSITORY,
    FEDEX,
    UPS,
    JMB,
    BRINKS,
    FIZTRADE,
    PLAID,
    SENDGRID,
    TWILIO,
)
#: The settings of each, in the same order.
SECTIONS: tuple[type[ProviderSettings], ...] = tuple(provider.settings for provider in PROVIDERS)


def connect(shared: Settings, sections: Sequence[ProviderSettings], database: Database) -> Adapters:
    """Return the adapters of every provider that has a URL. `sections` are as in `SECTIONS`."""
    adapters = Adapters()
    for provider, section in zip(PROVIDERS, sections, strict=True):
        provider.connect(Connection(provider.id, section, shared, database), adapters)
    return adapters
