"""Email sent through SendGrid."""

from base64 import b64encode
from email.utils import parseaddr
from http import HTTPStatus

from sendgrid.helpers.mail import Attachment, CustomArg, Header, Mail, ReplyTo

from app.integrations.http_calls import ProviderCaller
from app.integrations.transport import AUTH_FAILURE_STATUSES, HttpResponse, Transport
from app.kit import ids
from app.messages.ports import OutgoingEmail
from app.providers.errors import ProviderRefused, ProviderUnavailable

#: The custom argument with our ID of an email, returned in its events.
EMAIL_ID_ARGUMENT = "pbcex_mail"
_SEND = "/v3/mail/send"


class SendGridEmailSender:
    """Sends email through SendGrid, from `sender`: `Name <address>`, verified there."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        sender: str,
        caller: ProviderCaller,
        *,
        timeout_seconds: float,
    ) -> None:
        self._transport = Transport(
            base_url,
            timeout_seconds=timeout_seconds,
            headers={"Authorization": f"Bearer {api_key}"},
        )
        self._sender_name, self._sender_address = parseaddr(sender)
        self._caller = caller

    def send(self, email: OutgoingEmail) -> None:
        """Send an email as the port says."""
        payload = self._payload(email)

        def post() -> None:
            _check_accepted(self._transport.request("POST", _SEND, json=payload))

        self._caller.call(
            "mail.send", post, reference=ids.encode("eml", email.id), idempotent=False
        )

    def _payload(self, email: OutgoingEmail) -> object:
        message = Mail(
            from_email=(self._sender_address, self._sender_name),
            to_emails=email.recipient,
            subject=email.subject,
            plain_text_content=email.text + "\n",
            html_content=email.html,
        )
        message.reply_to = ReplyTo(email.reply_to)
        domain = self._sender_address.rpartition("@")[2]
        message.add_header(Header("Message-ID", f"<{email.id.hex}@{domain}>"))
        # Stops automatic replies such as holiday notices (RFC 3834).
        message.add_header(Header("Auto-Submitted", "auto-generated"))
        for file in email.attachments:
            message.add_attachment(
                Attachment(b64encode(file.content).decode(), file.name, file.media_type)
            )
        message.add_custom_arg(CustomArg(EMAIL_ID_ARGUMENT, str(email.id)))
        return message.get()


def _check_accepted(response: HttpResponse) -> None:
    """Raise unless SendGrid accepted the email. Its own messages may quote an email address."""
    if response.status in AUTH_FAILURE_STATUSES:
        raise ProviderUnavailable(f"HTTP {response.status}: check the account and its key.")
    if response.status != HTTPStatus.ACCEPTED:
        raise ProviderRefused(f"http_{response.status}")
