"""Funding's personal data. All of it is retained by law."""

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from app.catalog.rules import TRADABLE
from app.funding.states import OPEN_DEPOSITS, OPEN_WITHDRAWALS, DepositStatus
from app.keys import service as keys
from app.kit import ids
from app.kit.db import Session
from app.kit.money import Amount
from app.kit.personal import (
    RETAINED_BY_LAW,
    ErasureBlocker,
    ErasureEffect,
    ExportSections,
    PersonalData,
    PersonalDataTable,
    export_records,
)
from app.kit.pipeline import Row

_TRANSFERS = """
SELECT id, from_asset, to_asset, units, transferred_at FROM transfers WHERE user_id = %s ORDER BY id
"""
_DEPOSITS = """
SELECT id, asset, coalesce(credited_units, asked_units), fee_units, method, status, requested_at,
    credited_at
FROM deposits WHERE user_id = %s ORDER BY id
"""
_DISPUTES = """
SELECT p.deposit_id, d.asset, p.units, p.status, p.opened_at, p.closed_at
FROM disputes p JOIN deposits d ON d.id = p.deposit_id WHERE d.user_id = %s ORDER BY p.id
"""
_CARD_REFUNDS = """
SELECT id, 'USD', units, deposit_id, status, requested_at
FROM card_refunds WHERE user_id = %s ORDER BY id
"""
_WITHDRAWALS = """
SELECT id, asset, units, fee_units, method, status, destination_sealed, requested_at, completed_at
FROM withdrawals WHERE user_id = %s ORDER BY id
"""
_ACCOUNTS = "SELECT method, details, given_at FROM given_accounts WHERE user_id = %s ORDER BY id"
_OPEN_DEPOSITS = """
SELECT id FROM deposits
WHERE user_id = %s AND status = ANY (%s)
"""
_OPEN_WITHDRAWALS = """
SELECT id FROM withdrawals WHERE user_id = %s AND status = ANY (%s)
"""


def _export_sections(session: Session, person_id: UUID) -> ExportSections:
    person = (person_id,)
    transfers, deposits, disputes, card_refunds, withdrawals, accounts = session.fetch(
        (_TRANSFERS, person),
        (_DEPOSITS, person),
        (_DISPUTES, person),
        (_CARD_REFUNDS, person),
        (_WITHDRAWALS, person),
        (_ACCOUNTS, person),
    )
    transfer_rows = (
        (transfer_id, origin, destination, str(Amount(TRADABLE[origin], units)), at)
        for transfer_id, origin, destination, units, at in transfers
    )
    return {
        "transfers": export_records(
            transfer_rows, "id fromAsset toAsset amount transferredAt", id="trf"
        ),
        "deposits": export_records(
            map(_with_fee_text, _with_amount_text(deposits)),
            "id asset amount fee method status requestedAt creditedAt", id="dep",
        ),
        "disputes": export_records(
            _with_amount_text(disputes),
            "depositId asset amount status openedAt closedAt", depositId="dep",
        ),
        "cardRefunds": export_records(
            _with_amount_text(card_refunds),
            "id asset amount depositId status requestedAt", id="crf", depositId="dep",
        ),
        "withdrawals": export_records(
            map(_with_open_destination, map(_with_fee_text, _with_amount_text(withdrawals))),
            "id asset amount fee method status destination requestedAt completedAt", id="wdr",
        ),
        "accountsToSendTo": export_records(accounts, "method details givenAt"),
    }  # fmt: skip


def _with_amount_text(rows: Iterable[Row]) -> Iterable[tuple[Any, ...]]:
    for identifier, asset, units, *rest in rows:
        yield (identifier, asset, str(Amount(TRADABLE[asset], units)), *rest)


def _with_fee_text(row: tuple[Any, ...]) -> tuple[Any, ...]:
    identifier, asset, amount, fee_units, *rest = row
    return (identifier, asset, amount, str(Amount(TRADABLE[asset], fee_units)), *rest)


def _with_open_destination(row: tuple[Any, ...]) -> tuple[Any, ...]:
    identifier, asset, amount, fee, method, status, sealed, *rest = row
    raw = keys.open_sealed(sealed, table="withdrawals", column="destination_sealed", key=identifier)
    return (identifier, asset, amount, fee, method, status, json.loads(raw), *rest)


def _erasure_blockers(session: Session, person_id: UUID) -> list[ErasureBlocker]:
    deposits, withdrawals = session.fetch(
        (_OPEN_DEPOSITS, (person_id, [*OPEN_DEPOSITS, DepositStatus.DISPUTED])),
        (_OPEN_WITHDRAWALS, (person_id, list(OPEN_WITHDRAWALS))),
    )
    blockers = [
        ErasureBlocker(
            f"deposits.{ids.encode('dep', deposit_id)}",
            "This deposit is not settled yet. Wait until it is credited or fails.",
        )
        for (deposit_id,) in deposits
    ]
    return blockers + [
        ErasureBlocker(
            f"withdrawals.{ids.encode('wdr', withdrawal_id)}",
            "This withdrawal is not settled yet. Cancel it, or wait until it is paid out.",
        )
        for (withdrawal_id,) in withdrawals
    ]


_PAYMENTS = f"Records of payments. {RETAINED_BY_LAW}"
PERSONAL_DATA = PersonalData(
    "funding",
    {
        "transfers": PersonalDataTable(
            "Transfers between the person's two accounts",
            ErasureEffect.RETAINED,
            RETAINED_BY_LAW,
            export_sections=("transfers",),
        ),
        "deposits": PersonalDataTable(
            "Payments to us; until they end, with the sealed token of a card, or phone number",
            ErasureEffect.RETAINED,
            _PAYMENTS,
            export_sections=("deposits",),
        ),
        "deposit_events": PersonalDataTable(
            "The status changes of deposits",
            ErasureEffect.RETAINED,
            _PAYMENTS,
            not_exported="The deposits show their status.",
        ),
        "disputes": PersonalDataTable(
            "Payments that the person's bank took back",
            ErasureEffect.RETAINED,
            _PAYMENTS,
            export_sections=("disputes",),
        ),
        "card_refunds": PersonalDataTable(
            "Parts of card payments that we gave back to the card",
            ErasureEffect.RETAINED,
            _PAYMENTS,
            export_sections=("cardRefunds",),
        ),
        "withdrawals": PersonalDataTable(
            "Payments from us, with the bank account or wallet address, sealed",
            ErasureEffect.RETAINED,
            _PAYMENTS,
            export_sections=("withdrawals",),
        ),
        "withdrawal_events": PersonalDataTable(
            "The status changes of withdrawals, with the member of staff",
            ErasureEffect.RETAINED,
            _PAYMENTS,
            not_exported="The withdrawals show their status.",
        ),
        "given_accounts": PersonalDataTable(
            "Virtual accounts to which the person can send money",
            ErasureEffect.RETAINED,
            _PAYMENTS,
            export_sections=("accountsToSendTo",),
        ),
    },
    export_sections=_export_sections,
    erasure_blockers=_erasure_blockers,
)
