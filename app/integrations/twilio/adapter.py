"""Text messages handed to Twilio."""

from datetime import datetime, timedelta

from app.integrations.http_calls import ProviderCaller
from app.integrations.twilio.client import TwilioAccount, build_client, translate_errors
from app.kit import ids
from app.messages.delivery_log import Delivery
from app.messages.ports import OutgoingText
from app.providers.errors import ProviderRefused

_SERVICE = "MG"
#: As far back as a number's messages are looked through.
_LISTED_MAX = 100
#: Our clock and theirs.
_SKEW = timedelta(minutes=5)
_DELIVERIES = {
    "delivered": Delivery.DELIVERED,
    "read": Delivery.DELIVERED,
    "undelivered": Delivery.UNDELIVERED,
    "failed": Delivery.UNDELIVERED,
    "canceled": Delivery.UNDELIVERED,
}
#: Unknown number, landline: error codes that say that this number takes no message.
_NO_SUCH_PHONE = frozenset({30005, 30006})


class TwilioSmsSender:
    """Hands text messages to one account."""

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

    def send(self, text: OutgoingText) -> str:
        """As the port says."""

        def create() -> str:
            made = self._client.messages.create(
                to=text.recipient,
                body=text.body,
                status_callback=self._callback_url,
                **self._sender,
            )
            return str(made.sid)

        reference = ids.encode("txt", text.id)
        return self._caller.call(
            "messages.create",
            lambda: translate_errors(create),
            reference=reference,
            idempotent=False,
        )

    def find(self, text: OutgoingText, *, since: datetime) -> str | None:
        """As the port says. Not by the day of sending: what waits at Twilio has none yet."""

        def look() -> str | None:
            for each in self._client.messages.list(
                to=text.recipient, limit=_LISTED_MAX, page_size=_LISTED_MAX
            ):
                if each.date_created < since - _SKEW:
                    return None
                if str(each.body).endswith(text.reference):
                    return str(each.sid)
            return None

        reference = ids.encode("txt", text.id)
        return self._caller.call(
            "messages.list", lambda: translate_errors(look), reference=reference, idempotent=True
        )

    def status(self, carrier_id: str) -> Delivery | None:
        """As the port says."""

        def fetch() -> Delivery | None:
            found = self._client.messages(carrier_id).fetch()
            if found.error_code is not None and int(found.error_code) in _NO_SUCH_PHONE:
                return Delivery.BOUNCED
            return _DELIVERIES.get(str(found.status))

        return self._caller.call(
            "messages.fetch", lambda: translate_errors(fetch), reference=carrier_id, idempotent=True
        )


class UnconfiguredSmsSender:
    """Stands where no carrier is configured."""

    def send(self, text: OutgoingText) -> str:  # noqa: ARG002 - the port's parameter
        """Raises `ProviderRefused`."""
        raise ProviderRefused("not_configured", "TWILIO_BASE_URL")

    def find(self, text: OutgoingText, *, since: datetime) -> str | None:  # noqa: ARG002 - the port's
        """Nothing is there."""
        return None

    def status(self, carrier_id: str) -> Delivery | None:  # noqa: ARG002 - the port's parameter
        """Nothing becomes known."""
        return None
