"""The personal data in the ledger. Nothing is erased: the law requires the books."""

from typing import Any
from uuid import UUID

from app.catalog.rules import TRADABLE
from app.kit.db import Session
from app.kit.formatting import format_amount
from app.kit.money import Amount, Asset
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
from app.ledger import queries

# In the account's normal direction: incoming is positive. The entry's other accounts are PBCEx's or
# another person's.
_POSTINGS = """
SELECT a.asset, a.normal * p.units, e.cause, e.reference, e.posted_at
FROM accounts a JOIN postings p ON p.account_id = a.id JOIN entries e ON e.id = p.entry_id
WHERE a.owner_id = %s ORDER BY e.id, a.asset
"""
_HOLDS = """
SELECT a.asset, h.units, h.cause, h.status, h.placed_at, h.expires_at, h.settled_at
FROM accounts a JOIN holds h ON h.account_id = a.id WHERE a.owner_id = %s ORDER BY h.id
"""


_CLOSINGS = """
SELECT asset, ends_at, held, closed_at FROM account_closings WHERE owner_id = %s
ORDER BY ends_at, asset
"""


def _export_sections(session: Session, person_id: UUID) -> ExportSections:
    balances = queries.customer_balances(session, person_id)
    postings, holds, closings = session.fetch(
        (_POSTINGS, (person_id,)), (_HOLDS, (person_id,)), (_CLOSINGS, (person_id,))
    )
    return {
        "balances": [
            {
                "asset": balance.asset,
                "total": _text(balance.asset, balance.posted),
                "held": _text(balance.asset, balance.held),
            }
            for balance in balances
        ],
        "postings": export_records(
            map(_with_amount, postings), "asset amount cause reference postedAt"
        ),
        "holds": export_records(
            map(_with_amount, holds), "asset amount cause status placedAt expiresAt settledAt"
        ),
        "closings": export_records(
            (
                (asset, ends_at, _text(asset, held), closed_at)
                for asset, ends_at, held, closed_at in closings
            ),
            "asset endsAt held closedAt",
        ),
    }


def _with_amount(row: Row) -> tuple[Any, ...]:
    asset, units, *rest = row
    return (asset, _text(asset, units), *rest)


def _text(code: str, units: int) -> str:
    # What cannot be traded is goods, which are counted.
    return str(Amount(TRADABLE.get(code) or Asset(code, 0), units))


def _erasure_blockers(session: Session, person_id: UUID) -> list[ErasureBlocker]:
    blockers = []
    for balance in sorted(
        queries.customer_balances(session, person_id), key=lambda balance: balance.asset
    ):
        if balance.posted:
            amount = format_amount(Amount(TRADABLE[balance.asset], balance.posted))
            blockers.append(
                ErasureBlocker(
                    f"balances.{balance.asset}", f"The balance is {amount}. It must be 0."
                )
            )
        if balance.held:
            amount = format_amount(Amount(TRADABLE[balance.asset], balance.held))
            blockers.append(
                ErasureBlocker(
                    f"holds.{balance.asset}", f"{amount} are on hold. They must be released first."
                )
            )
    for code, units in queries.owed_units(session, person_id).items():
        amount = format_amount(Amount(TRADABLE[code], units))
        blockers.append(
            ErasureBlocker(f"debts.{code}", f"{amount} are owed to us. They must be paid first.")
        )
    return blockers


_BOOKS = f"Entries are never changed or deleted. {RETAINED_BY_LAW}"
PERSONAL_DATA = PersonalData(
    "ledger",
    {
        "accounts": PersonalDataTable(
            "The owner of an account, by id",
            ErasureEffect.RETAINED,
            _BOOKS,
            export_sections=("balances", "postings"),
        ),
        "balances": PersonalDataTable(
            "The balance of an account",
            ErasureEffect.RETAINED,
            _BOOKS,
            export_sections=("balances",),
        ),
        "holds": PersonalDataTable(
            "Amounts held on an account",
            ErasureEffect.RETAINED,
            _BOOKS,
            export_sections=("holds",),
        ),
        "account_closings": PersonalDataTable(
            "The ends of the periods of which statements were issued",
            ErasureEffect.RETAINED,
            _BOOKS,
            export_sections=("closings",),
        ),
        "entries": PersonalDataTable(
            "What happened, with the public id of the order or transfer",
            ErasureEffect.RETAINED,
            _BOOKS,
            export_sections=("postings",),
        ),
        "postings": PersonalDataTable(
            "The units that an entry moved on an account",
            ErasureEffect.RETAINED,
            _BOOKS,
            export_sections=("postings",),
        ),
    },
    export_sections=_export_sections,
    erasure_blockers=_erasure_blockers,
)
