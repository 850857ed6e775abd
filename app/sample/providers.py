"""The providers during the load: the sandbox and the mail catcher, played in this process.

They keep what they know in the data folder, where `bin/run` goes on with it. Their clock is set
with ours, and their webhooks are passed to the application itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from flask import Flask
from flask.testing import FlaskClient

from app.config import Settings
from app.embedded.mail_catcher import EmailFolder
from app.embedded.network_ports import is_free
from app.integrations.smtp.adapter import SmtpMessages
from app.kit.ports import provide, resolve
from app.messages.ports import EmailNotSent, EmailSender, OutgoingEmail
from sandbox import clock as sandbox_clock
from sandbox.app import create_app, run_periodic_tasks, serve
from sandbox.store import Document, Store

#: As in `python -m sandbox`.
_STORE_NAME = "sandbox.sqlite"
_SETTLEMENT_SECONDS = 3


class MailFolder:
    """An email sender that keeps emails where the mail catcher does.

    Servers of the addresses in `unreachable` take nothing.
    """

    def __init__(self, data_dir: Path, mail_from: str) -> None:
        self._folder = EmailFolder(data_dir)
        self._messages = SmtpMessages(mail_from)
        self.unreachable: set[str] = set()

    def send(self, email: OutgoingEmail) -> None:
        """Keep the email. Raises `EmailNotSent` for an address that cannot be reached."""
        if email.recipient in self.unreachable:
            raise EmailNotSent("The server replied 451.")
        self._folder.keep(self._messages.build(email).as_bytes())


class Providers:
    """The simulated providers: what the outside world does, and their webhooks."""

    def __init__(self, sandbox: Flask, client: FlaskClient, mail: MailFolder) -> None:
        self._sandbox, self._client, self.mail = sandbox, client, mail
        self._webhooks = sandbox.extensions["webhooks"]
        self._webhooks.post = self._receive
        self._store: Store = sandbox.extensions["store"]

    def set_clock(self, instant: datetime | None) -> None:
        """Set the clock of the providers; None sets it right."""
        sandbox_clock.set_to(instant)

    def advance(self) -> None:
        """Run what the providers do by themselves, and pass their webhooks on."""
        run_periodic_tasks(self._sandbox)
        self._webhooks.deliver_due()

    def control(self, provider: str, path: str, **document: object) -> Any:
        """Let something happen at a provider, by one of its controls; return its JSON."""
        response = self._sandbox.test_client().post(f"/{provider}/_control{path}", json=document)
        if not response.is_json:
            raise click.ClickException(f"{provider} {path}: {response.status} {response.text}")
        return response.get_json()

    def all(self, provider: str, kind: str) -> list[Document]:
        """Return a provider's documents of a kind, oldest first."""
        return self._store.find(provider, kind)

    def _receive(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        exchange_url = self._webhooks.exchange_url
        path = url.removeprefix(exchange_url)
        return self._client.post(
            path, base_url=exchange_url, data=body, headers=headers
        ).status_code


@contextmanager
def play_providers(app: Flask) -> Iterator[Providers]:
    """Play the providers at PBCEX_SANDBOX_URL within the block, from empty books."""
    settings: Settings = app.extensions["settings"]
    url = urlsplit(settings.sandbox_url)
    if not url.port or not is_free(url.port):
        raise click.ClickException(
            "PBCEX_SANDBOX_URL must name a free port of this machine: the sample plays the"
            f" providers there while it is loaded. It is {settings.sandbox_url or 'not set'}."
        )
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = Store(str(settings.data_dir / _STORE_NAME))
    store.clear()
    sandbox = create_app(
        store, exchange_url=settings.base_url, settlement_seconds=_SETTLEMENT_SECONDS
    )
    mail, sender = MailFolder(settings.data_dir, settings.mail_from), resolve(EmailSender)
    provide(EmailSender, mail)
    try:
        with serve(sandbox, host=url.hostname or "127.0.0.1", port=url.port):
            yield Providers(sandbox, app.test_client(), mail)
    finally:
        provide(EmailSender, sender)
        sandbox_clock.set_to(None)
        store.close()
