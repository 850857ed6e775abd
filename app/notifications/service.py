"""Notifying people."""

from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from app.kit import clock
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.money import Amount
from app.notifications.account_kinds import LinkFacts
from app.notifications.facts import Facts, MessageFacts
from app.outbox import service as outbox


def notify(session: Session, message: MessageFacts, *, to: UUID, event: PublicId) -> None:
    """Stage a message to a person, who gets at most one of its kind for this event."""
    kind = message.kind
    args: dict[str, Any] = {
        "user_id": str(to),
        "event_key": event_key(message, event),
        "kind": kind.name,
        "values": write_values(message),
    }
    if isinstance(message, LinkFacts):
        args["token_id"] = str(message.token_id)
    if kind.sms_only:
        outbox.stage(session, "messages.send_text", args)
    elif kind.in_inbox:
        outbox.stage(session, "messages.deliver", args)
    else:
        outbox.stage(session, "messages.send_mail", args)


def event_key(message: MessageFacts, event: PublicId) -> str:
    """Return the key under which a person gets one message."""
    return f"{message.kind.name}:{event}"


def write_values(facts: Facts) -> dict[str, str]:
    """Return the values of a template: the facts as texts that a program reads."""
    values: dict[str, str] = {}
    for field in fields(facts):
        name, fact = field.name, getattr(facts, field.name)
        if isinstance(fact, Amount):
            values[name] = str(fact)
            values[_asset_name(name)] = fact.asset.code
        elif isinstance(fact, Facts):
            values |= write_values(fact)
        elif not isinstance(fact, UUID):  # the id of a link's token, which the job has beside them
            values[name] = _write_text(fact)
    return values


def _write_text(fact: object) -> str:
    match fact:
        case datetime():
            text = clock.rfc3339(fact)
        case date():
            text = fact.isoformat()
        case bool() | None:  # a condition
            text = "yes" if fact else ""
        case tuple():  # one in each line
            text = "\n".join(reason.label for reason in fact)
        case str() | int() | Decimal():
            text = str(fact)
        case _:
            raise TypeError(f"a message cannot state {fact!r}")
    return text


@cache
def _asset_name(name: str) -> str:
    """Return the name of the value with an amount's asset."""
    return f"{name.removesuffix('amount')}asset" if name.endswith("amount") else f"{name}_asset"
