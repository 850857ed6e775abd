"""The SMTP sender against real servers on loopback, working and broken."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import time_machine
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.integrations.smtp.adapter import SmtpEmailSender, SmtpServer, UnconfiguredEmailSender
from app.messages.ports import EmailAttachment, EmailNotSent, EmailRefused, OutgoingEmail
from app.providers.errors import ProviderOutcomeUnknown
from tests import mailbox

SENDER = "PBCEx <no-reply@pbcex.example.com>"
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def outgoing_email(**changes: object) -> OutgoingEmail:
    fields: dict[str, object] = {
        "id": UUID(int=7),
        "recipient": "ada@example.com",
        "subject": "Confirm",
        "text": "Grüße\n.\nend",
        "html": "<p>Grüße</p>",
        "reply_to": "support@pbcex.example",
    }
    return OutgoingEmail(**{**fields, **changes})


@pytest.fixture
def server() -> Iterator[mailbox.RecordingSmtpServer]:
    smtp_server = mailbox.RecordingSmtpServer(enable_SMTPUTF8=True)
    yield smtp_server
    smtp_server.stop()


def smtp_sender(url: str, timeout_seconds: float = 5) -> SmtpEmailSender:
    return SmtpEmailSender(SmtpServer.from_url(url), SENDER, timeout_seconds=timeout_seconds)


class TestContent:
    def test_email_has_headers_plain_text_and_html(
        self, server: mailbox.RecordingSmtpServer
    ) -> None:
        with time_machine.travel(NOW, tick=False):
            smtp_sender(server.url).send(outgoing_email())
        [email] = server.mails
        assert str(email["Message-ID"]) == f"<{UUID(int=7).hex}@pbcex.example.com>"
        assert str(email["Reply-To"]) == "support@pbcex.example"
        assert parsedate_to_datetime(str(email["Date"])) == NOW
        assert (email["From"], email["To"], email["Subject"]) == (
            SENDER,
            "ada@example.com",
            "Confirm",
        )
        assert email["Auto-Submitted"] == "auto-generated"
        text, html = email.get_body(("plain",)), email.get_body(("html",))
        assert text is not None
        assert html is not None
        assert text.get_content().splitlines() == ["Grüße", ".", "end"]
        assert html.get_content().strip() == "<p>Grüße</p>"
        [raw] = server.raw
        assert raw.isascii()
        assert max(map(len, raw.split(b"\r\n"))) <= 78

    def test_email_has_its_files(self, server: mailbox.RecordingSmtpServer) -> None:
        attached = EmailAttachment("INV-1.pdf", "application/pdf", b"%PDF-1.7")
        smtp_sender(server.url).send(outgoing_email(attachments=(attached,)))
        [file] = server.mails[0].iter_attachments()
        assert (file.get_filename(), file.get_content_type(), file.get_content()) == (
            "INV-1.pdf", "application/pdf", b"%PDF-1.7",
        )  # fmt: skip

    def test_repeated_email_has_the_same_message_id(
        self, server: mailbox.RecordingSmtpServer
    ) -> None:
        for _ in range(2):
            smtp_sender(server.url).send(outgoing_email())
        smtp_sender(server.url).send(outgoing_email(id=uuid4()))
        ids = [str(email["Message-ID"]) for email in server.mails]
        assert ids[0] == ids[1] != ids[2]

    @pytest.mark.parametrize(
        "wrong",
        [
            {"recipient": "ada@example.com\r\nBcc: all@example.com"},
            {"recipient": "ada@example.com, eve@example.com"},
            {"recipient": "<eve@example.com>\n"},
            {"recipient": "nobody"},
            {"subject": "Hello\r\nBcc: all@example.com"},
            {"subject": "Hello\nBcc: all@example.com"},
            {"subject": "Hello\rBcc: all@example.com"},
        ],
    )
    def test_value_that_breaks_out_of_a_header_is_refused(
        self, server: mailbox.RecordingSmtpServer, wrong: dict[str, str]
    ) -> None:
        with pytest.raises(EmailRefused) as refusal:
            smtp_sender(server.url).send(outgoing_email(**wrong))
        assert server.mails == []
        assert "example.com" not in str(refusal.value)

    @pytest.mark.parametrize("subject", ["ü" * 300, "a " * 300, "You converted 1 → 2"])
    def test_long_or_non_ascii_subject_arrives(
        self, server: mailbox.RecordingSmtpServer, subject: str
    ) -> None:
        smtp_sender(server.url).send(outgoing_email(subject=subject.strip()))
        assert server.mails[0]["Subject"] == subject.strip()

    def test_international_domain_is_written_in_ascii(
        self, server: mailbox.RecordingSmtpServer
    ) -> None:
        smtp_sender(server.url).send(outgoing_email(recipient="ada@bücher.example.com"))
        assert server.mails[0]["To"] == "ada@xn--bcher-kva.example.com"

    def test_domain_of_the_sender_introduces_us(self, server: mailbox.RecordingSmtpServer) -> None:
        """Servers refuse a name in EHLO that is no domain, such as that of a container."""
        smtp_sender(server.url).send(outgoing_email())
        assert server.names == ["pbcex.example.com"]

    def test_international_host_is_named_in_ascii(self) -> None:
        assert SmtpServer.from_url("smtps://post.bücher.example").host == (
            "post.xn--bcher-kva.example"
        )

    def test_international_address_needs_smtputf8(
        self, server: mailbox.RecordingSmtpServer
    ) -> None:
        smtp_sender(server.url).send(outgoing_email(recipient="аня@example.com"))
        assert server.mails[0]["To"] == "аня@example.com"
        ascii_server = mailbox.RecordingSmtpServer(enable_SMTPUTF8=False)
        try:
            with pytest.raises(EmailRefused):
                smtp_sender(ascii_server.url).send(outgoing_email(recipient="аня@example.com"))
            assert ascii_server.mails == []
        finally:
            ascii_server.stop()


class TestFailures:
    @pytest.mark.parametrize(
        ("reply", "error"),
        [("550 no such user ada@example.com", EmailRefused), ("451 later", EmailNotSent)],
    )
    def test_rejected_recipient_is_refused_or_retried_by_its_code(
        self, server: mailbox.RecordingSmtpServer, reply: str, error: type[Exception]
    ) -> None:
        server.rcpt_replies = [reply]
        with pytest.raises(error) as failure:
            smtp_sender(server.url).send(outgoing_email())
        assert str(failure.value) == f"The server replied {reply[:3]}."

    @pytest.mark.parametrize(
        ("reply", "error"),
        [("554 we take no such mail", EmailRefused), ("452 full", EmailNotSent)],
    )
    def test_rejected_content_is_refused_or_retried_by_its_code(
        self, server: mailbox.RecordingSmtpServer, reply: str, error: type[Exception]
    ) -> None:
        server.replies = [reply]
        with pytest.raises(error):
            smtp_sender(server.url).send(outgoing_email())
        assert server.mails == []

    def test_break_before_the_reply_has_unknown_outcome(
        self, server: mailbox.RecordingSmtpServer
    ) -> None:
        server.replies = ["break"]
        with pytest.raises(ProviderOutcomeUnknown):
            smtp_sender(server.url).send(outgoing_email())
        assert len(server.mails) == 1

    def test_unreachable_server_is_retried(self) -> None:
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with pytest.raises(EmailNotSent, match="ConnectionRefusedError"):
            smtp_sender(f"smtp://127.0.0.1:{port}").send(outgoing_email())

    def test_silent_server_times_out(self) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as silent:
            started = time.monotonic()
            with pytest.raises(EmailNotSent):
                smtp_sender(f"smtp://127.0.0.1:{silent.getsockname()[1]}", 0.3).send(
                    outgoing_email()
                )
            assert time.monotonic() - started < 3

    def test_resolver_that_hangs_ends_at_the_deadline(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        resolved = threading.Event()
        with monkeypatch.context() as patch:
            patch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: resolved.wait(9))
            started = time.monotonic()
            with pytest.raises(EmailNotSent, match="TimeoutError"):
                smtp_sender("smtp://mail.example.com", 0.3).send(outgoing_email())
            assert time.monotonic() - started < 3
            resolved.set()

    def test_server_that_sends_a_byte_at_a_time_ends_at_the_deadline(self) -> None:
        ended = threading.Event()
        with closing(socket.create_server(("127.0.0.1", 0))) as listening:
            thread = threading.Thread(target=_drip, args=(listening, ended))
            thread.start()
            started = time.monotonic()
            with pytest.raises(EmailNotSent):
                smtp_sender(f"smtp://127.0.0.1:{listening.getsockname()[1]}", 0.5).send(
                    outgoing_email()
                )
            assert time.monotonic() - started < 3
            ended.set()
            thread.join()

    def test_unconfigured_sender_is_retried(self) -> None:
        with pytest.raises(EmailNotSent, match="PBCEX_SMTP_URL"):
            UnconfiguredEmailSender("PBCEX_SMTP_URL").send(outgoing_email())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + builder.public_bytes(serialization.Encoding.PEM)
    )
    return file


class TestSecurity:
    @pytest.fixture
    def encrypted(self, certificate: Path) -> Iterator[mailbox.RecordingSmtpServer]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        tls_server = mailbox.RecordingSmtpServer(tls_context=context, require_starttls=True)
        yield tls_server
        tls_server.stop()

    def url(self, server: mailbox.RecordingSmtpServer) -> str:
        return f"smtp+starttls://localhost:{server.port}"

    def test_trusted_certificate_is_accepted(
        self,
        encrypted: mailbox.RecordingSmtpServer,
        certificate: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        smtp_sender(self.url(encrypted)).send(outgoing_email())
        assert len(encrypted.mails) == 1

    def test_untrusted_certificate_gets_no_email(
        self, encrypted: mailbox.RecordingSmtpServer
    ) -> None:
        with pytest.raises(EmailNotSent, match="SSLCertVerificationError"):
            smtp_sender(self.url(encrypted)).send(outgoing_email())
        assert encrypted.mails == []

    def test_required_tls_is_never_skipped(self, server: mailbox.RecordingSmtpServer) -> None:
        with pytest.raises(EmailNotSent, match="SMTPNotSupportedError"):
            smtp_sender(f"smtp+starttls://127.0.0.1:{server.port}").send(outgoing_email())
        with pytest.raises(EmailNotSent):
            smtp_sender(f"smtps://127.0.0.1:{server.port}", 1).send(outgoing_email())
        assert server.mails == []

    def test_password_is_not_in_repr(self) -> None:
        smtp_server = SmtpServer.from_url("smtps://pbcex:p%40ss@mail.example.com")
        assert (smtp_server.user, smtp_server.password, smtp_server.port) == ("pbcex", "p@ss", 465)
        assert "p@ss" not in repr(smtp_server)


def test_break_at_any_step_has_one_of_three_outcomes() -> None:
    """The server closes the connection after each number of replies."""
    replies = [b"220 hi\r\n", b"250 x\r\n", b"250 x\r\n", b"250 x\r\n", b"354 go\r\n", b"250 x\r\n"]
    outcomes = []
    for count in range(len(replies) + 1):
        with closing(socket.create_server(("127.0.0.1", 0))) as listening:
            thread = threading.Thread(target=_reply, args=(listening, replies[:count]))
            thread.start()
            try:
                smtp_sender(f"smtp://127.0.0.1:{listening.getsockname()[1]}").send(outgoing_email())
                outcomes.append("sent")
            except (EmailNotSent, ProviderOutcomeUnknown) as error:
                outcomes.append(type(error).__name__)
            thread.join()
    assert outcomes[:4] == ["EmailNotSent"] * 4
    assert outcomes[4] == "ProviderOutcomeUnknown"  # after RCPT: the reply to DATA is missing
    assert outcomes[5:] == ["ProviderOutcomeUnknown", "sent"]


def _drip(listening: socket.socket, ended: threading.Event) -> None:
    connection, _ = listening.accept()
    with closing(connection), suppress(OSError):
        for _ in range(80):
            connection.sendall(b"2")
            if ended.wait(0.1):
                break


def _reply(listening: socket.socket, replies: list[bytes]) -> None:
    connection, _ = listening.accept()
    with closing(connection), connection.makefile("rb") as lines:
        for number, reply in enumerate(replies):
            if number == len(replies) - 1 and reply.startswith(b"250") and number == 5:
                while lines.readline().strip() != b".":
                    pass
            elif number:
                lines.readline()
            connection.sendall(reply)
