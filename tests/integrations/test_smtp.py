"""The mailer against real servers on loopback, good and bad."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing
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
from app.messages.ports import EmailNotSent, EmailRefused, OutgoingEmail
from app.providers.errors import ProviderOutcomeUnknown
from tests import mailbox

SENDER = "PBCEx <no-reply@pbcex.example.com>"
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def outgoing(**changes: object) -> OutgoingEmail:
    told: dict[str, object] = {
        "id": UUID(int=7),
        "recipient": "ada@example.com",
        "subject": "Confirm",
        "text": "Grüße\n.\nend",
        "html": "<p>Grüße</p>",
    }
    return OutgoingEmail(**{**told, **changes})


@pytest.fixture
def server() -> Iterator[mailbox.RecordingSmtpServer]:
    made = mailbox.RecordingSmtpServer(enable_SMTPUTF8=True)
    yield made
    made.stop()


def mailer(url: str, timeout_seconds: float = 5) -> SmtpEmailSender:
    return SmtpEmailSender(SmtpServer.from_url(url), SENDER, timeout_seconds=timeout_seconds)


class TestWhatIsSent:
    def test_headers_and_both_texts(self, server: mailbox.RecordingSmtpServer) -> None:
        with time_machine.travel(NOW, tick=False):
            mailer(server.url).send(outgoing())
        [mail] = server.mails
        assert str(mail["Message-ID"]) == f"<{UUID(int=7).hex}@pbcex.example.com>"
        assert parsedate_to_datetime(str(mail["Date"])) == NOW
        assert (mail["From"], mail["To"], mail["Subject"]) == (SENDER, "ada@example.com", "Confirm")
        assert mail["Auto-Submitted"] == "auto-generated"
        text, html = mail.get_body(("plain",)), mail.get_body(("html",))
        assert text is not None
        assert html is not None
        assert text.get_content().splitlines() == ["Grüße", ".", "end"]
        assert html.get_content().strip() == "<p>Grüße</p>"
        [raw] = server.raw
        assert raw.isascii()
        assert max(map(len, raw.split(b"\r\n"))) <= 78

    def test_a_repeated_mail_has_the_same_message_id(
        self, server: mailbox.RecordingSmtpServer
    ) -> None:
        for _ in range(2):
            mailer(server.url).send(outgoing())
        mailer(server.url).send(outgoing(id=uuid4()))
        ids = [str(mail["Message-ID"]) for mail in server.mails]
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
    def test_nothing_breaks_out_of_a_header(
        self, server: mailbox.RecordingSmtpServer, wrong: dict[str, str]
    ) -> None:
        with pytest.raises(EmailRefused) as refusal:
            mailer(server.url).send(outgoing(**wrong))
        assert server.mails == []
        assert "example.com" not in str(refusal.value)

    @pytest.mark.parametrize("subject", ["ü" * 300, "a " * 300, "You converted 1 → 2"])
    def test_any_other_subject_arrives(
        self, server: mailbox.RecordingSmtpServer, subject: str
    ) -> None:
        mailer(server.url).send(outgoing(subject=subject.strip()))
        assert server.mails[0]["Subject"] == subject.strip()

    def test_a_domain_in_any_script_is_written_in_ascii(
        self, server: mailbox.RecordingSmtpServer
    ) -> None:
        mailer(server.url).send(outgoing(recipient="ada@bücher.example.com"))
        assert server.mails[0]["To"] == "ada@xn--bcher-kva.example.com"

    def test_an_address_in_any_script_arrives_where_it_is_understood(
        self, server: mailbox.RecordingSmtpServer
    ) -> None:
        mailer(server.url).send(outgoing(recipient="аня@example.com"))
        assert server.mails[0]["To"] == "аня@example.com"
        old = mailbox.RecordingSmtpServer(enable_SMTPUTF8=False)
        try:
            with pytest.raises(EmailRefused):
                mailer(old.url).send(outgoing(recipient="аня@example.com"))
            assert old.mails == []
        finally:
            old.stop()


class TestTrouble:
    @pytest.mark.parametrize(
        ("answer", "error"),
        [("550 no such user ada@example.com", EmailRefused), ("451 later", EmailNotSent)],
    )
    def test_the_recipient_is_not_taken(
        self, server: mailbox.RecordingSmtpServer, answer: str, error: type[Exception]
    ) -> None:
        server.rcpt_answers = [answer]
        with pytest.raises(error) as failure:
            mailer(server.url).send(outgoing())
        assert str(failure.value) == f"The server replied {answer[:3]}."

    @pytest.mark.parametrize(
        ("answer", "error"),
        [("554 we take no such mail", EmailRefused), ("452 full", EmailNotSent)],
    )
    def test_the_content_is_not_taken(
        self, server: mailbox.RecordingSmtpServer, answer: str, error: type[Exception]
    ) -> None:
        server.answers = [answer]
        with pytest.raises(error):
            mailer(server.url).send(outgoing())
        assert server.mails == []

    def test_a_break_before_the_answer_leaves_it_unknown(
        self, server: mailbox.RecordingSmtpServer
    ) -> None:
        server.answers = ["break"]
        with pytest.raises(ProviderOutcomeUnknown):
            mailer(server.url).send(outgoing())
        assert len(server.mails) == 1

    def test_nobody_listens(self) -> None:
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with pytest.raises(EmailNotSent, match="ConnectionRefusedError"):
            mailer(f"smtp://127.0.0.1:{port}").send(outgoing())

    def test_a_server_that_says_nothing_costs_no_more_than_the_limit(self) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as silent:
            started = time.monotonic()
            with pytest.raises(EmailNotSent):
                mailer(f"smtp://127.0.0.1:{silent.getsockname()[1]}", 0.3).send(outgoing())
            assert time.monotonic() - started < 3

    def test_no_server_is_configured(self) -> None:
        with pytest.raises(EmailNotSent, match="PBCEX_SMTP_URL"):
            UnconfiguredEmailSender("PBCEX_SMTP_URL").send(outgoing())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
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
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


class TestSecurity:
    @pytest.fixture
    def encrypted(self, certificate: Path) -> Iterator[mailbox.RecordingSmtpServer]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        made = mailbox.RecordingSmtpServer(tls_context=context, require_starttls=True)
        yield made
        made.stop()

    def url(self, server: mailbox.RecordingSmtpServer) -> str:
        return f"smtp+starttls://localhost:{server.port}"

    def test_a_certificate_that_is_known_is_believed(
        self,
        encrypted: mailbox.RecordingSmtpServer,
        certificate: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        mailer(self.url(encrypted)).send(outgoing())
        assert len(encrypted.mails) == 1

    def test_a_stranger_gets_no_mail(self, encrypted: mailbox.RecordingSmtpServer) -> None:
        with pytest.raises(EmailNotSent, match="SSLCertVerificationError"):
            mailer(self.url(encrypted)).send(outgoing())
        assert encrypted.mails == []

    def test_nothing_is_sent_in_the_clear_where_tls_was_asked_for(
        self, server: mailbox.RecordingSmtpServer
    ) -> None:
        with pytest.raises(EmailNotSent, match="SMTPNotSupportedError"):
            mailer(f"smtp+starttls://127.0.0.1:{server.port}").send(outgoing())
        with pytest.raises(EmailNotSent):
            mailer(f"smtps://127.0.0.1:{server.port}", 1).send(outgoing())
        assert server.mails == []

    def test_the_password_shows_nowhere(self) -> None:
        made = SmtpServer.from_url("smtps://pbcex:p%40ss@mail.example.com")
        assert (made.user, made.password, made.port) == ("pbcex", "p@ss", 465)
        assert "p@ss" not in repr(made)


def test_a_break_at_any_moment_is_one_of_three_outcomes() -> None:
    """A server that ends the talk after so many lines: never a surprise, and nothing in between."""
    replies = [b"220 hi\r\n", b"250 x\r\n", b"250 x\r\n", b"250 x\r\n", b"354 go\r\n", b"250 x\r\n"]
    seen = []
    for count in range(len(replies) + 1):
        with closing(socket.create_server(("127.0.0.1", 0))) as listening:
            thread = threading.Thread(target=_talk, args=(listening, replies[:count]))
            thread.start()
            try:
                mailer(f"smtp://127.0.0.1:{listening.getsockname()[1]}").send(outgoing())
                seen.append("sent")
            except (EmailNotSent, ProviderOutcomeUnknown) as outcome:
                seen.append(type(outcome).__name__)
            thread.join()
    assert seen[:4] == ["EmailNotSent"] * 4
    assert seen[4] == "ProviderOutcomeUnknown"  # after RCPT: the answer to DATA is missing
    assert seen[5:] == ["ProviderOutcomeUnknown", "sent"]


def _talk(listening: socket.socket, replies: list[bytes]) -> None:
    connection, _ = listening.accept()
    with closing(connection), connection.makefile("rb") as lines:
        for number, reply in enumerate(replies):
            if number == len(replies) - 1 and reply.startswith(b"250") and number == 5:
                while lines.readline().strip() != b".":
                    pass
            elif number:
                lines.readline()
            connection.sendall(reply)
