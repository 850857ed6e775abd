"""M-Pesa: its settings, and what it provides."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, SecretStr

from app.catalog.rules import PaymentMethod
from app.config.providers import (
    PROVIDER_SECRET_LENGTH_MIN,
    Mode,
    ProviderSettings,
    fits_mode,
    required_when_live,
    secret_or_sandbox,
)
from app.integrations.mpesa.adapter import MpesaPayments
from app.integrations.mpesa.client import DarajaAccount, DarajaClient
from app.integrations.mpesa.exchange_rate import ExchangeRate, MpesaRules
from app.integrations.mpesa.payouts import MpesaPayouts
from app.integrations.mpesa.webhook import NAME, CallHistory, DarajaCallbacks
from app.integrations.provider import Adapters, Connection, Provider


def _forbid_rate(value: str) -> str:
    """Refuse a rate in the environment, where it would have no effect."""
    if value:
        raise ValueError("is a setting now: flask settings set mpesa.kes_per_usd, and remove this")
    return value


class MpesaSettings(ProviderSettings):
    """Where Daraja is, and our account there."""

    #: It pays phones, and those are verified by text messages.
    needs: ClassVar = "TWILIO_BASE_URL"
    mode: Mode = Field("sandbox", alias="MPESA_MODE")
    base_url: Annotated[str, fits_mode(live_host="api.safaricom.co.ke")] = Field(
        "", alias="MPESA_BASE_URL"
    )
    consumer_key: Annotated[SecretStr, required_when_live(with_url="base_url")] = Field(
        SecretStr(""), alias="MPESA_CONSUMER_KEY"
    )
    consumer_secret: Annotated[
        SecretStr,
        required_when_live(with_url="base_url", length_min=PROVIDER_SECRET_LENGTH_MIN),
    ] = Field(SecretStr(""), alias="MPESA_CONSUMER_SECRET")
    shortcode: str = Field("174379", alias="MPESA_SHORTCODE", pattern="^[0-9]{5,7}$")
    passkey: Annotated[SecretStr, required_when_live(with_url="base_url")] = Field(
        SecretStr(""), alias="MPESA_PASSKEY"
    )
    initiator: str = Field("sandbox", alias="MPESA_INITIATOR")
    #: The initiator's password, encrypted with M-Pesa's certificate.
    security_credential: Annotated[SecretStr, required_when_live(with_url="base_url")] = Field(
        SecretStr(""), alias="MPESA_SECURITY_CREDENTIAL"
    )
    #: Refused: the rate is decided in the settings.
    kes_per_usd: Annotated[str, AfterValidator(_forbid_rate)] = Field("", alias="MPESA_KES_PER_USD")

    @property
    def account(self) -> DarajaAccount:
        """Our account at Daraja; missing settings fall back to the sandbox's values."""
        return DarajaAccount(
            consumer_key=secret_or_sandbox(self.consumer_key, "daraja consumer"),
            consumer_secret=secret_or_sandbox(self.consumer_secret, "daraja consumer secret"),
            shortcode=self.shortcode,
            passkey=secret_or_sandbox(self.passkey, "daraja passkey"),
            initiator=self.initiator,
            credential=secret_or_sandbox(self.security_credential, "daraja credential"),
        )


def _connect(connection: Connection[MpesaSettings], adapters: Adapters) -> None:
    settings = connection.settings
    if url := connection.url(settings.base_url):
        account = settings.account
        client = DarajaClient(url, account, timeout_seconds=connection.timeout_seconds)
        callbacks = DarajaCallbacks(connection.shared.base_url, account.consumer_secret)
        shared = (
            connection.caller,
            lambda: ExchangeRate(connection.current(MpesaRules).kes_per_usd),
            callbacks,
            CallHistory(connection.database),
        )
        adapters.payments[PaymentMethod.MOBILE_MONEY] = MpesaPayments(client, *shared)
        adapters.payouts[PaymentMethod.MOBILE_MONEY] = MpesaPayouts(client, *shared)
        adapters.webhooks[connection.id] = callbacks


PROVIDER = Provider(NAME, "M-Pesa", MpesaSettings, _connect)
