"""Messages are staged with typed facts, once for an event."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from app.kit import ids
from app.kit.db import Database
from app.notifications import service as notifications
from app.notifications.account_kinds import ResetPassword
from app.notifications.facts import Facts
from app.notifications.kinds import TradeConfirmed
from app.notifications.registry import KINDS, all_messages
from tests.message_samples import LINK_ID, SAMPLES


def staged_jobs(database: Database, person_id: UUID) -> list[tuple[str, dict[str, object]]]:
    with database.reading() as session:
        rows = session.rows(
            "SELECT task, args FROM outbox WHERE args->>'user_id' = %s ORDER BY id",
            (str(person_id),),
        )
    return [(task, args) for task, args in rows]


def test_every_kind_has_a_sample_and_a_name_of_its_own() -> None:
    assert {type(message) for message in SAMPLES} == set(all_messages())
    by_name = {message.kind.name: message.kind for message in all_messages()}
    assert by_name == KINDS
    assert all(message.kind is by_name[message.kind.name] for message in all_messages())


def test_facts_are_written_as_a_program_reads_them(database: Database) -> None:
    person_id, event = uuid4(), ids.encode("trd", ids.new())
    [trade] = [message for message in SAMPLES if isinstance(message, TradeConfirmed)]
    with database.transaction() as session:
        notifications.notify(session, trade, to=person_id, event=event)
    [(task, args)] = staged_jobs(database, person_id)
    assert task == "messages.deliver"
    assert args == {
        "user_id": str(person_id),
        "event_key": f"trade_confirmed:{event}",
        "kind": "trade_confirmed",
        "values": {
            "order": "trd_01",
            "from_amount": "1000.00",
            "from_asset": "USD",
            "to_amount": "0.02487500",
            "to_asset": "XAU-s",
            "price": "4008.000000",
            "fee_amount": "5.00",
            "fee_asset": "USD",
            "executed_at": "2026-11-28T23:21:45.123Z",
        },
    }


def test_link_is_staged_by_its_id_and_goes_by_email_only(database: Database) -> None:
    person_id, event = uuid4(), ids.encode("otk", LINK_ID)
    with database.transaction() as session:
        notifications.notify(session, ResetPassword(LINK_ID), to=person_id, event=event)
    [(task, args)] = staged_jobs(database, person_id)
    assert task == "messages.send_mail"
    assert (args["values"], args["token_id"]) == ({}, str(LINK_ID))


@dataclass(frozen=True)
class Unknown(Facts):
    fact: object


def test_fact_of_a_type_without_a_way_to_write_it_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot state"):
        notifications.write_values(Unknown([datetime(2026, 11, 28, tzinfo=UTC)]))
