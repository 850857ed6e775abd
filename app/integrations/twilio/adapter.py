"""Text messages handed to Twilio."""

from datetime import datetime, timedelta

from app.integrations.http_calls import ProviderCaller
from app.integrations.twilio.client import TwilioAccount, build_client, translate_errors
from app.kit import ids
from app.messages.delivery_log import DeliveryStatus
from app.messages.ports import OutgoingSms
from app.providers.errors import ProviderRefused

_SERVICE = "MG"
#: As far back as a number's messages are looked through.
_LISTED_MAX = 100
#: Our clock and theirs.
_SKEW = timedelta(minutes=5)
_DELIVERIES = {
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.DELIVERED,
    "undelivered": DeliveryStatus.UNDELIVERED,
    "failed": DeliveryStatus.UNDELIVERED,
    "canceled": DeliveryStatus.UNDELIVERED,
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

    def send(self, sms: OutgoingSms) -> str:
        """As the port says."""

        def create() -> str:
            made = self._client.messages.create(
                to=sms.recipient,
                body=sms.body,
                status_callback=self._callback_url,
                **self._sender,
            )
            return str(made.sid)

        reference = ids.encode("txt", sms.id)
        return self._caller.call(
            "messages.create",
            lambda: translate_errors(create),
            reference=reference,
            idempotent=False,
        )

    def find(self, sms: OutgoingSms, *, since: datetime) -> str | None:
        """As the port says. Not by the day of sending: what waits at Twilio has none yet."""

        def look() -> str | None:
            for each in self._client.messages.list(
                to=sms.recipient, limit=_LISTED_MAX, page_size=_LISTED_MAX
            ):
                if each.date_created < since - _SKEW:
                    return None
                if str(each.body).endswith(sms.reference):
                    return str(each.sid)
            return None

        reference = ids.encode("txt", sms.id)
        return self._caller.call(
            "messages.list", lambda: translate_errors(look), reference=reference, idempotent=True
        )

    def status(self, carrier_id: str) -> DeliveryStatus | None:
        """As the port says."""

        def fetch() -> DeliveryStatus | None:
            found = self._client.messages(carrier_id).fetch()
            if found.error_code is not None and int(found.error_code) in _NO_SUCH_PHONE:
                return DeliveryStatus.BOUNCED
            return _DELIVERIES.get(str(found.status))

        return self._caller.call(
            "messages.fetch", lambda: translate_errors(fetch), reference=carrier_id, idempotent=True
        )


class UnconfiguredSmsSender:
    """Stands where no carrier is configured."""

    def send(self, sms: OutgoingSms) -> str:  # noqa: ARG002 - the port's parameter
        """Raises `ProviderRefused`."""
        raise ProviderRefused("not_configured", "TWILIO_BASE_URL")

    def find(self, sms: OutgoingSms, *, since: datetime) -> str | None:  # noqa: ARG002 - the port's
        """Nothing is there."""
        return None

    def status(self, carrier_id: str) -> DeliveryStatus | None:  # noqa: ARG002 - the port's parameter
        """Nothing becomes known."""
        return None
