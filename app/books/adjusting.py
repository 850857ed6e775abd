"""Adjusting entries: between accounts of PBCEx itself, dated by two people, also in a closed
period."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission
from app.approvals import registry as approvals_registry
from app.approvals import service as approvals
from app.approvals.registry import ApprovalAction, ApprovedRequest, ProposedChange, TextFields
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.books import queries
from app.books.models import AdjustingEntry
from app.catalog.rules import TRADABLE
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.formatting import format_amount, format_date
from app.kit.money import Amount, Asset, InvalidAmount
from app.ledger import service as ledger
from app.ledger.chart import AccountClass, AccountKey

ADJUST = "books.adjust"
PREFIX = "aje"
CAUSE = "adjustment"


class AdjustingLine(NamedTuple):
    """A line as it was entered: an account by its key, and a debit or a credit."""

    account: str
    debit: str
    credit: str


def request_adjustment(
    session: Session, actor: Actor, *, on: date, asset: str, lines: Sequence[AdjustingLine],
    reason: str,
) -> UUID:  # fmt: skip
    """Request an adjusting entry of one asset, dated at the end of a day (UTC); return the
    request's id. Lines without an account and an amount are left out.

    Raises `PermissionDenied`, and `Invalid` naming the field that is wrong.
    """
    if asset not in TRADABLE:
        raise Invalid("asset", "Choose an asset from the list.")
    known = {choice.key for choice in queries.list_house_accounts(session)}
    units: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        amount = _parse_line(TRADABLE[asset], number, line, known)
        if amount is not None:
            if line.account in units:
                raise Invalid(f"account_{number}", "Choose each account once.")
            units[line.account] = amount
    if sum(units.values()) or len(units) < len(("debit", "credit")):
        raise Invalid(
            "debit_1", "Enter two lines or more, whose debits are as much as their credits."
        )
    subject = ids.encode(PREFIX, ids.new())
    payload = {
        "entry": subject,
        "on": on.isoformat(),
        "asset": asset,
        **{account: str(each) for account, each in units.items()},
    }
    return approvals.request_approval(
        session, actor, ADJUST, payload, subject=subject, reason=reason
    )


def _parse_line(asset: Asset, number: int, line: AdjustingLine, known: set[str]) -> int | None:
    """Return the units of a line, debit positive; None for an empty one."""
    if not any(line):
        return None
    if line.account not in known:
        raise Invalid(f"account_{number}", "Choose an account from the list.")
    if bool(line.debit) == bool(line.credit):
        raise Invalid(f"debit_{number}", "Enter a debit or a credit, and not both.")
    side = "debit" if line.debit else "credit"
    try:
        amount = Amount.parse(asset, line.debit or line.credit)
    except InvalidAmount as problem:
        raise Invalid(f"{side}_{number}", str(problem)) from None
    return amount.units if line.debit else -amount.units


def _lines(payload: TextFields) -> dict[str, Amount]:
    """Return the amount of each account by its key: debit positive."""
    asset = TRADABLE[payload["asset"]]
    return {
        name: Amount(asset, int(text))
        for name, text in payload.items()
        if name not in {"entry", "on", "asset"}
    }


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    if date.fromisoformat(payload["on"]) > clock.now().date():
        raise Invalid("on", "Enter a day that is not in the future.")
    names = {choice.key: choice.name for choice in queries.list_house_accounts(session)}
    lines = {
        names[key]: f"{'Debit' if amount.units > 0 else 'Credit'} {_positive(amount)}"
        for key, amount in _lines(payload).items()
    }
    return ProposedChange({}, {"date": payload["on"], **lines})


def _positive(amount: Amount) -> str:
    return format_amount(amount if amount.units > 0 else -amount)


def _post(session: Session, approved: ApprovedRequest) -> None:
    reference, now = approved.payload["entry"], clock.now()
    day_end = datetime.combine(
        date.fromisoformat(approved.payload["on"]) + timedelta(days=1), time(), UTC
    )
    posted_at = min(day_end - timedelta(microseconds=1), now)
    session.write(
        sa.insert(AdjustingEntry).values(
            id=ids.decode(PREFIX, reference),
            reference=reference,
            approval_id=approved.id,
            posted_at=posted_at,
            recorded_at=now,
        )
    )
    lines = _lines(approved.payload)
    ledger.post(
        session,
        cause=CAUSE,
        reference=reference,
        posted_at=posted_at,
        postings=[
            ledger.NewPosting(_account(key, amount.asset), amount.units)
            for key, amount in lines.items()
        ],
    )
    audit.record(
        session,
        actor=approved.checker,
        action=AuditAction.BOOKS_ADJUSTED,
        subject=reference,
        after={
            **_compare(session, approved.payload).after,
            "approval": ids.encode("apr", approved.id),
            "maker": ids.encode("usr", approved.maker_id),
        },
        reason=approved.reason,
    )


def _account(key: str, asset: Asset) -> AccountKey:
    account_class, _, owner = key.partition("/")
    return AccountKey(asset, AccountClass(account_class), UUID(owner))


def _check_nothing(_session: Session, _actor: Actor, _payload: TextFields) -> None:
    """Require nothing but the permission."""


def _describe(session: Session, _actor: Actor, _subject: str) -> TextFields:
    """Return until when the books are closed."""
    last = queries.find_last_closing(session)
    closed = format_date((last.ends_at - timedelta(days=1)).date()) if last else "Nothing"
    return {"Closed until": closed}


approvals_registry.register(
    ApprovalAction(
        ADJUST,
        "Post an adjusting entry",
        Permission.BOOKS_CLOSE,
        _compare,
        _check_nothing,
        _post,
        _describe,
        lambda fields: f"post it on {fields['date']}",
        {"date": lambda text: format_date(date.fromisoformat(text))},
        follows="Entries are never changed. A mistake is corrected by another adjusting entry.",
    )
)
