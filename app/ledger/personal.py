"""What the ledger holds on a person. It forgets nothing: the books are the law's."""

from typing import Any
from uuid import UUID

from app.catalog.rules import TRADABLE
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
from app.ledger import queries

# In the account's own direction: what came is above zero. Other accounts of an entry are the
# house's, or another person's.
_POSTINGS = """
SELECT a.asset, a.normal * p.units, e.cause, e.reference, e.posted_at
FROM accounts a JOIN postings p ON p.account_id = a.id JOIN entries e ON e.id = p.entry_id
WHERE a.owner_id = %s ORDER BY e.id, a.asset
"""
_HOLDS = """
SELECT a.asset, h.units, h.cause, h.status, h.placed_at, h.expires_at, h.settled_at
FROM accounts a JOIN holds h ON h.account_id = a.id WHERE a.owner_id = %s ORDER BY h.id
"""


def _export_sections(session: Session, person_id: UUID) -> ExportSections:
    balances = queries.customer_balances(session, person_id)
    postings, holds = session.fetch((_POSTINGS, (person_id,)), (_HOLDS, (person_id,)))
    return {
        "balances": [
            {
                "asset": each.asset,
                "total": _text(each.asset, each.posted),
                "held": _text(each.asset, each.held),
            }
            for each in balances
        ],
        "postings": export_records(
            map(_in_words, postings), "asset amount cause reference postedAt"
        ),
        "holds": export_records(
            map(_in_words, holds), "asset amount cause status placedAt expiresAt settledAt"
        ),
    }


def _in_words(row: Row) -> tuple[Any, ...]:
    asset, units, *rest = row
    return (asset, _text(asset, units), *rest)


def _text(asset: str, units: int) -> str:
    return str(Amount(TRADABLE[asset], units))


def _erasure_blockers(session: Session, person_id: UUID) -> list[ErasureBlocker]:
    found = []
    for balance in sorted(
        queries.customer_balances(session, person_id), key=lambda each: each.asset
    ):
        if balance.posted:
            amount = f"{_text(balance.asset, balance.posted)} {balance.asset}"
            found.append(
                ErasureBlocker(
                    f"balances.{balance.asset}", f"The balance is {amount}. It must be 0."
                )
            )
        if balance.held:
            amount = f"{_text(balance.asset, balance.held)} {balance.asset}"
            found.append(
                ErasureBlocker(
                    f"holds.{balance.asset}", f"{amount} are on hold. They must be released first."
                )
            )
    return found


_BOOKS = f"Entries are never changed or deleted. {RETAINED_BY_LAW}"
PERSONAL_DATA = PersonalData(
    "ledger",
    {
        "accounts": PersonalDataTable(
            "Whose account it is, by id",
            ErasureEffect.RETAINED,
            _BOOKS,
            export_sections=("balances", "postings"),
        ),
        "balances": PersonalDataTable(
            "What stands on an account",
            ErasureEffect.RETAINED,
            _BOOKS,
            export_sections=("balances",),
        ),
        "holds": PersonalDataTable(
            "What is set aside on an account",
            ErasureEffect.RETAINED,
            _BOOKS,
            export_sections=("holds",),
        ),
        "entries": PersonalDataTable(
            "What happened, with the public id of the order or transfer",
            ErasureEffect.RETAINED,
            _BOOKS,
            export_sections=("postings",),
        ),
        "postings": PersonalDataTable(
            "What an entry moved on an account",
            ErasureEffect.RETAINED,
            _BOOKS,
            export_sections=("postings",),
        ),
    },
    export_sections=_export_sections,
    erasure_blockers=_erasure_blockers,
)
