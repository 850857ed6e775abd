"""Documents are numbered while customers check out and the job is killed: no gap and no double."""

import threading
from collections.abc import Callable
from contextlib import suppress
from random import Random
from uuid import UUID

import pytest

from app.access import Actor
from app.documents import service as documents
from app.kit.db import Database, Session
from tests.documents.paper import add_entity, read_numbers, request
from tests.drill import choose_size, seeded_random
from tests.people import People

pytestmark = pytest.mark.drill(name="documents")

CLIENTS, NUMBERERS = 16, 2
DOCUMENTS = choose_size(12, 9_999 // CLIENTS + 1)
#: The part of the transactions that end before their commit.
_KILLED = 0.2


class _Killed(Exception):
    """The process of the transaction ended."""


def _run(database: Database, act: Callable[[Session], object], *, is_killed: bool) -> bool:
    """Act in a transaction, or kill it before its commit; return whether it was not."""
    with suppress(_Killed), database.transaction() as session:
        act(session)
        if is_killed:
            raise _Killed
    return not is_killed


def number_while_clients_request(
    database: Database, entity_id: UUID, customer: Actor, number: Callable[[Session], object]
) -> int:
    """Request documents in several threads while others number them; return how many runs of the
    numbering were killed."""
    killed: list[int] = []
    is_over = threading.Event()

    def request_one(session: Session) -> None:
        request(session, entity_id, customer)

    def request_all(random: Random) -> None:
        done = 0
        while done < DOCUMENTS:
            done += _run(database, request_one, is_killed=random.random() < _KILLED)

    def number_on(random: Random) -> None:
        while not is_over.is_set():
            if not _run(database, number, is_killed=random.random() < _KILLED):
                killed.append(1)

    clients = [
        threading.Thread(target=request_all, args=(seeded_random(f"client {place}"),))
        for place in range(CLIENTS)
    ]
    numberers = [
        threading.Thread(target=number_on, args=(seeded_random(f"numberer {place}"),))
        for place in range(NUMBERERS)
    ]
    for thread in (*clients, *numberers):
        thread.start()
    for thread in clients:
        thread.join()
    is_over.set()
    for thread in numberers:
        thread.join()
    # One run at least is killed that had something to number.
    _run(database, request_one, is_killed=False)
    _run(database, number, is_killed=True)
    _run(database, number, is_killed=False)
    return len(killed) + 1


def test_documents_have_consecutive_numbers_although_runs_are_killed(
    database: Database, people: People, record_property: Callable[[str, object], None]
) -> None:
    entity_id = add_entity(database)
    killed = number_while_clients_request(
        database, entity_id, people.customer(), documents.number_waiting
    )
    numbers = read_numbers(database, entity_id)
    assert sorted(numbers) == list(range(1, CLIENTS * DOCUMENTS + 2))
    record_property(
        "evidence",
        f"{len(numbers):,} invoices requested by {CLIENTS} clients at once and numbered by"
        f" {NUMBERERS} jobs, of which {killed} runs were killed before their commit: no gap and no"
        " double.",
    )


def test_control_numbers_of_a_sequence_have_gaps(
    database: Database, people: People, record_property: Callable[[str, object], None]
) -> None:
    """A sequence does not go back with a transaction that is killed."""
    entity_id = add_entity(database)
    counted = iter(range(1, 1_000_000))

    def number(session: Session) -> None:
        waiting = session.rows(
            "SELECT id FROM sales_documents WHERE entity_id = %s AND number IS NULL FOR UPDATE"
            " SKIP LOCKED",
            (entity_id,),
        )
        for (document_id,) in waiting:
            session.send(
                "UPDATE sales_documents SET number = %s, numbered_at = now() WHERE id = %s",
                (next(counted), document_id),
            )

    number_while_clients_request(database, entity_id, people.customer(), number)
    numbers = read_numbers(database, entity_id)
    assert None not in numbers
    assert sorted(numbers) != list(range(1, len(numbers) + 1))
    record_property("evidence", "Control: numbers of a sequence have gaps after killed runs.")
