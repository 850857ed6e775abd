"""Closed periods of the books, and adjusting entries: each takes two people."""

from collections.abc import Mapping
from datetime import date
from typing import cast
from uuid import UUID

from flask import url_for

from app.access import Actor, Permission
from app.blueprints.forms import (
    Form,
    FormSchema,
    choice_field,
    date_field,
    reason_field,
    text_field,
)
from app.blueprints.lists import Column, ListPage, PersonCell
from app.blueprints.page_blueprint import PageBlueprint
from app.books import adjusting, closing
from app.books import queries as books_queries
from app.books.adjusting import AdjustingLine
from app.catalog.rules import TRADABLE
from app.kit import ids
from app.kit.db import Session
from app.kit.formatting import format_date

blp = PageBlueprint("book_periods", "/admin/books/periods")
_LINES = (1, 2, 3, 4)


class BooksClosingSchema(FormSchema):
    """Until when."""

    until = date_field("Last day", "Enter the last day of the period.", hint="In UTC")
    reason = reason_field()


class BooksReopeningSchema(FormSchema):
    """Why."""

    reason = reason_field()


class AdjustingEntrySchema(FormSchema):
    """An entry of one asset with up to four lines."""

    on = date_field("Date", "Enter the day of the entry.", hint="In UTC; may be a closed one")
    asset = choice_field("Asset", "Choose an asset.", [(code, code) for code in TRADABLE])
    account_1 = choice_field("First account", "Choose an account.")
    debit_1 = text_field("Debit", None)
    credit_1 = text_field("Credit", None)
    account_2 = choice_field("Second account", "Choose an account.")
    debit_2 = text_field("Debit", None)
    credit_2 = text_field("Credit", None)
    account_3 = choice_field("Third account", None)
    debit_3 = text_field("Debit", None)
    credit_3 = text_field("Credit", None)
    account_4 = choice_field("Fourth account", None)
    debit_4 = text_field("Debit", None)
    credit_4 = text_field("Credit", None)
    reason = reason_field()


CLOSE = Form(
    "close",
    title="Close a period",
    about="After a second person approved it, entries can no longer be dated until the end of this"
    " day. Adjusting entries can.",
    schema=BooksClosingSchema,
    button="Request closing",
    success="The closing waits for a second person.",
    failure="The closing was not requested",
)
REOPEN = Form(
    "reopen",
    title="Reopen the last closed period",
    schema=BooksReopeningSchema,
    button="Request reopening",
    success="The reopening waits for a second person.",
    failure="The reopening was not requested",
)
ADJUST = Form(
    "adjust",
    title="Post an adjusting entry",
    about="Between accounts of PBCEx itself. Debits are as much as credits. It is marked, and shown"
    " apart in the trial balance.",
    schema=AdjustingEntrySchema,
    button="Request entry",
    success="The entry waits for a second person.",
    failure="The entry was not requested",
)
CLOSINGS = ListPage(
    name="book_closings",
    title="Closed periods",
    about="Until when the books are closed, and who decided it.",
    source=lambda _session, _actor: books_queries.CLOSINGS,
    columns=(
        Column("until", "Closed until", lambda row: format_date(row.last_day)),
        Column("status", "Status", lambda row: row.status),
        Column("closed", "Closed", lambda row: row.closed_at, sort="closed"),
        Column("maker", "Requested by", lambda row: PersonCell(row.maker_id)),
        Column("checker", "Approved by", lambda row: PersonCell(row.checker_id)),
        Column("reason", "Reason", lambda row: row.reason),
        Column("reopened", "Reopened", lambda row: row.reopened_at),
    ),
    default_sort="-closed",
    empty=("No closed periods yet", "A period is closed here by two people."),
)
list_closings = blp.add_list(
    "",
    CLOSINGS,
    permission=Permission.BOOKS_READ,
    template="admin/books/periods.html",
    context=lambda session, actor: {
        "close_form": CLOSE,
        "reopen_form": REOPEN,
        "adjust_form": ADJUST,
        "may_close": Permission.BOOKS_CLOSE in actor.permissions,
        "is_closed": books_queries.find_last_closing(session) is not None,
        "account_options": {
            f"account_{number}": [
                (account.key, account.name)
                for account in books_queries.list_house_accounts(session)
            ]
            for number in _LINES
        },
    },
)


@blp.form("/close", CLOSE, shown_on=list_closings, permission=Permission.BOOKS_CLOSE)
def close(session: Session, actor: Actor, fields: Mapping[str, object]) -> str:
    """Request that a period is closed."""
    requested = closing.request_closing(
        session, actor, cast("date", fields["until"]), reason=str(fields["reason"])
    )
    return _approval_url(requested)


@blp.form("/reopen", REOPEN, shown_on=list_closings, permission=Permission.BOOKS_CLOSE)
def reopen(session: Session, actor: Actor, fields: Mapping[str, object]) -> str:
    """Request that the last closed period is reopened."""
    return _approval_url(closing.request_reopening(session, actor, reason=str(fields["reason"])))


@blp.form("/adjust", ADJUST, shown_on=list_closings, permission=Permission.BOOKS_CLOSE)
def adjust(session: Session, actor: Actor, fields: Mapping[str, object]) -> str:
    """Request an adjusting entry."""
    lines = [
        AdjustingLine(*(str(fields[f"{name}_{number}"]) for name in ("account", "debit", "credit")))
        for number in _LINES
    ]
    requested = adjusting.request_adjustment(
        session,
        actor,
        on=cast("date", fields["on"]),
        asset=str(fields["asset"]),
        lines=lines,
        reason=str(fields["reason"]),
    )
    return _approval_url(requested)


def _approval_url(approval_id: UUID) -> str:
    return url_for("approvals_pages.show_approval", approval_id=ids.encode("apr", approval_id))
