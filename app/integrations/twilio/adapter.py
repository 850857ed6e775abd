"""SMS sent through Twilio."""

from datetime import datetime, timedelta

from app.integrations.http_calls import ProviderCaller
from app.integrations.twilio.client import TwilioAccount, build_client, translate_errors
from app.kit import ids
from app.messages.delivery_log import DeliveryStatus
from app.messages.ports import OutgoingSms
from app.providers.errors import ProviderRefused

_SERVICE = "MG"
#: How many of a number's messages are searched.
_LISTED_MAX = 100
#: Largest difference between our clock and Twilio's.
_CLOCK_SKEW_MAX = timedelta(minutes=5)
_DELIVERIES = {
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.DELIVERED,
    "undelivered": DeliveryStatus.UNDELIVERED,
    "failed": DeliveryStatus.UNDELIVERED,
    "canceled": DeliveryStatus.UNDELIVERED,
}
#: Error codes of numbers that cannot receive SMS: unknown number, landline.
_UNREACHABLE_NUMBER_CODES = frozenset({30005, 30006})


class TwilioSmsSender:
    """Sends SMS from one account."""

    def __init__(
        self,
        account: TwilioAccount,
        caller: ProviderCaller,
        *,
        callback_url: str,
        timeout_seconds: float,
    ) -> None:
        self._client = build_client(account, timeout_seconds=timeout_seconds)
        self._caller = caller
        self._callback_url = callback_url
        is_service = account.sender.startswith(_SERVICE)
        self._sender = {"messaging_service_sid" if is_service else "from_": account.sender}

    def send(self, sms: OutgoingSms) -> str:
        """Send an SMS as the port says."""

        def create() -> str:
            message = self._client.messages.create(
                to=sms.recipient,
                body=sms.body,
                status_callback=self._callback_url,
                **self._sender,
            )
            return str(message.sid)

        reference = ids.encode("txt", sms.id)
        return self._caller.call(
            "messages.create",
            lambda: translate_errors(create),
            reference=reference,
            idempotent=False,
        )

    def find(self, sms: OutgoingSms, *, since: datetime) -> str | None:
        """Find a sent SMS as the port says.

        Not by day of sending: a queued message has none yet.
        """

        def search() -> str | None:
            for message in self._client.messages.list(
                to=sms.recipient, limit=_LISTED_MAX, page_size=_LISTED_MAX
            ):
                if message.date_created < since - _CLOCK_SKEW_MAX:
                    return None
                if str(message.body).endswith(sms.reference):
                    return str(message.sid)
            return None

        reference = ids.encode("txt", sms.id)
        return self._caller.call(
            "messages.list", lambda: translate_errors(search), reference=reference, idempotent=True
        )

    def status(self, carrier_id: str) -> DeliveryStatus | None:
        """Return a delivery status as the port says."""

        def fetch() -> DeliveryStatus | None:
            message = self._client.messages(carrier_id).fetch()
            if (
                message.error_code is not None
                and int(message.error_code) in _UNREACHABLE_NUMBER_CODES
            ):
                return DeliveryStatus.BOUNCED
            return _DELIVERIES.get(str(message.status))

        return self._caller.call(
            "messages.fetch", lambda: translate_errors(fetch), reference=carrier_id, idempotent=True
        )


class UnconfiguredSmsSender:
    """Used where no carrier is configured."""

    def send(self, sms: OutgoingSms) -> str:  # noqa: ARG002 - the port's parameter
        """Raise `ProviderRefused`."""
        raise ProviderRefused("not_configured", "TWILIO_BASE_URL")

    def find(self, sms: OutgoingSms, *, since: datetime) -> str | None:  # noqa: ARG002 - the port's
        """Return None: nothing was sent."""
        return None

    def status(self, carrier_id: str) -> DeliveryStatus | None:  # noqa: ARG002 - the port's parameter
        """Return None: no status is known."""
        return None
