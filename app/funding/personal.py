"""What funding holds on a person. It forgets nothing: the law wants to know who was paid what."""

import json
from collections.abc import Iterable
from uuid import UUID

from app.catalog.rules import TRADABLE
from app.keys import service as keys
from app.kit import ids
from app.kit.db import Session
from app.kit.money import Amount
from app.kit.personal import KEPT_BY_LAW, Fate, Open, Room, Sections, Table, told
from app.kit.pipeline import Row

_TRANSFERS = """
SELECT id, from_asset, to_asset, units, transferred_at FROM transfers WHERE user_id = %s ORDER BY id
"""
_DEPOSITS = """
SELECT id, asset, coalesce(credited_units, asked_units), method, status, requested_at, credited_at
FROM deposits WHERE user_id = %s ORDER BY id
"""
_DISPUTES = """
SELECT p.deposit_id, d.asset, p.units, p.status, p.opened_at, p.closed_at
FROM disputes p JOIN deposits d ON d.id = p.deposit_id WHERE d.user_id = %s ORDER BY p.id
"""
_WITHDRAWALS = """
SELECT id, asset, units, method, status, destination_sealed, requested_at, completed_at
FROM withdrawals WHERE user_id = %s ORDER BY id
"""
_ACCOUNTS = "SELECT method, details, given_at FROM given_accounts WHERE user_id = %s ORDER BY id"
_OPEN_DEPOSITS = """
SELECT id FROM deposits
WHERE user_id = %s AND status IN ('requested', 'unknown', 'pending', 'disputed')
"""
_OPEN_WITHDRAWALS = """
SELECT id FROM withdrawals WHERE user_id = %s AND status IN
    ('in_review', 'awaiting_approval', 'approved', 'sending', 'unknown', 'sent')
"""


def _held(session: Session, person_id: UUID) -> Sections:
    who = (person_id,)
    transfers, deposits, disputes, withdrawals, accounts = session.fetch(
        (_TRANSFERS, who), (_DEPOSITS, who), (_DISPUTES, who), (_WITHDRAWALS, who), (_ACCOUNTS, who)
    )
    moved = (
        (transfer_id, origin, destination, str(Amount(TRADABLE[origin], units)), at)
        for transfer_id, origin, destination, units, at in transfers
    )
    return {
        "transfers": told(moved, "id fromAsset toAsset amount transferredAt", id="trf"),
        "deposits": told(
            _in_words(deposits),
            "id asset amount method status requestedAt creditedAt", id="dep",
        ),
        "disputes": told(
            _in_words(disputes), "depositId asset amount status openedAt closedAt", depositId="dep"
        ),
        "withdrawals": told(
            map(_opened, _in_words(withdrawals)),
            "id asset amount method status destination requestedAt completedAt", id="wdr",
        ),
        "accountsToSendTo": told(accounts, "method details givenAt"),
    }  # fmt: skip


def _in_words(rows: Iterable[Row]) -> Iterable[Row]:
    for identifier, asset, units, *rest in rows:
        yield (identifier, asset, str(Amount(TRADABLE[asset], units)), *rest)


def _opened(row: Row) -> Row:
    identifier, asset, amount, method, status, sealed, *rest = row
    raw = keys.open_sealed(sealed, table="withdrawals", column="destination_sealed", key=identifier)
    return (identifier, asset, amount, method, status, json.loads(raw), *rest)


def _still_open(session: Session, person_id: UUID) -> list[Open]:
    deposits, withdrawals = session.fetch(
        (_OPEN_DEPOSITS, (person_id,)), (_OPEN_WITHDRAWALS, (person_id,))
    )
    found = [
        Open(f"deposits.{ids.encode('dep', each)}", "is not settled yet") for (each,) in deposits
    ]
    return found + [
        Open(f"withdrawals.{ids.encode('wdr', each)}", "is not settled yet: it can be cancelled")
        for (each,) in withdrawals
    ]


_PAYMENTS = f"Who was paid what, and by whom. {KEPT_BY_LAW}"
ROOM = Room(
    "funding",
    {
        "transfers": Table(
            "Moves between the person's own accounts",
            Fate.KEPT,
            KEPT_BY_LAW,
            exported=("transfers",),
        ),
        "deposits": Table(
            "Payments to us, with the processor's token of a card or a phone number, sealed, until "
            "the processor has answered",
            Fate.KEPT,
            _PAYMENTS,
            exported=("deposits",),
        ),
        "deposit_events": Table(
            "The steps of deposits",
            Fate.KEPT,
            _PAYMENTS,
            not_exported="The deposits tell where they stand.",
        ),
        "disputes": Table(
            "Payments that the person's bank took back",
            Fate.KEPT,
            _PAYMENTS,
            exported=("disputes",),
        ),
        "withdrawals": Table(
            "Payments from us, with the account or address, sealed",
            Fate.KEPT,
            _PAYMENTS,
            exported=("withdrawals",),
        ),
        "withdrawal_events": Table(
            "The steps of withdrawals, and who of our staff took them",
            Fate.KEPT,
            _PAYMENTS,
            not_exported="The withdrawals tell where they stand.",
        ),
        "given_accounts": Table(
            "Accounts of ours that the person can send to",
            Fate.KEPT,
            _PAYMENTS,
            exported=("accountsToSendTo",),
        ),
    },
    held=_held,
    still_open=_still_open,
)
