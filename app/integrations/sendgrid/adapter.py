"""E-mail handed to SendGrid."""

from email.utils import parseaddr
from http import HTTPStatus

from sendgrid.helpers.mail import CustomArg, Header, Mail

from app.integrations.http_calls import ProviderCaller
from app.integrations.transport import AUTH_FAILURE_STATUSES, HttpResponse, Transport
from app.kit import ids
from app.messages.ports import OutgoingEmail
from app.providers.errors import ProviderRefused, ProviderUnavailable

#: What the events of a mail carry back: our id of it.
EMAIL_ID_ARGUMENT = "pbcex_mail"
_SEND = "/v3/mail/send"
#: Our key is wrong, or the account is shut: nothing happened, and somebody will mend that.


class SendGridEmailSender:
    """Hands each mail to SendGrid, from `sender`: `Name <address>`, verified there."""

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
        self._name, self._address = parseaddr(sender)
        self._caller = caller

    def send(self, email: OutgoingEmail) -> None:
        """As the port says."""
        document = self._document(email)

        def post() -> None:
            _taken(self._transport.request("POST", _SEND, json=document))

        self._caller.call(
            "mail.send", post, reference=ids.encode("eml", email.id), idempotent=False
        )

    def _document(self, mail: OutgoingEmail) -> object:
        made = Mail(
            from_email=(self._address, self._name),
            to_emails=mail.recipient,
            subject=mail.subject,
            plain_text_content=mail.text + "\n",
            html_content=mail.html,
        )
        domain = self._address.rpartition("@")[2]
        made.add_header(Header("Message-ID", f"<{mail.id.hex}@{domain}>"))
        # So that holiday notices do not answer (RFC 3834).
        made.add_header(Header("Auto-Submitted", "auto-generated"))
        made.add_custom_arg(CustomArg(EMAIL_ID_ARGUMENT, str(mail.id)))
        return made.get()


def _taken(answer: HttpResponse) -> None:
    """Raises unless SendGrid says that it took the mail. Its own messages may quote an address."""
    if answer.status in AUTH_FAILURE_STATUSES:
        raise ProviderUnavailable(f"HTTP {answer.status}: the account or its key")
    if answer.status != HTTPStatus.ACCEPTED:
        raise ProviderRefused(f"http_{answer.status}")
