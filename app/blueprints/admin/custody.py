"""Custody: balances at custodians against our books, payouts and incoming transfers."""

from flask import Response

from app.access import Actor, Permission
from app.blueprints.lists import (
    Column,
    EnumFilter,
    Filter,
    ListPage,
    PersonCell,
    PersonFilter,
    ReferenceCell,
)
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import provider_name, render_page
from app.custody import queries as custody_queries
from app.custody.queries import IncomingTokenTransfer
from app.custody.rules import ArrivalProblem, CustodianHealth, SendState
from app.kit.db import Session

blp = PageBlueprint("custody", "/admin/custody")


@blp.view("GET", "", permission=Permission.CUSTODY_READ, snapshot=True)
def show_custodians(session: Session, _actor: Actor) -> Response:
    """Show every custodian's balances."""
    custodians = custody_queries.custodian_overviews(session)
    open_sends, unknown_sends = custody_queries.open_send_counts(session)
    return render_page(
        "admin/custody/index.html",
        custodians=custodians,
        healthy=sum(custodian.health is CustodianHealth.HEALTHY for custodian in custodians),
        open_sends=open_sends,
        unknown_sends=unknown_sends,
    )


def _show_owner(transfer: IncomingTokenTransfer) -> object:
    return transfer.problem or PersonCell(transfer.user_id)


PAYOUTS = ListPage(
    name="custody_payouts",
    title="Token payouts",
    about="Tokens that custodians send to customers.",
    source=lambda _session, _actor: custody_queries.SENDS,
    columns=(
        Column("reference", "Reference", lambda send: ReferenceCell(send.reference)),
        Column("amount", "Amount", lambda send: send.amount),
        Column(
            "cost",
            "Cost",
            lambda send: send.cost,
            tooltip="Charged by the custodian on top of the amount",
        ),
        Column(
            "custodian",
            "Custodian",
            lambda send: provider_name(send.custodian) if send.custodian else "Not chosen yet",
        ),
        Column("status", "Status", lambda send: send.state),
        Column("code", "Failure code", lambda send: send.code or None),
        Column("planned", "Planned", lambda send: send.planned_at, sort="planned"),
        Column("settled", "Settled", lambda send: send.settled_at, is_hidden=True),
    ),
    default_sort="-planned",
    filters=(
        Filter("reference", "Reference"),
        EnumFilter("status", "Status", SendState),
    ),
    empty=("No payouts yet", "Withdrawals of tokens appear here."),
)
INCOMING = ListPage(
    name="custody_incoming",
    title="Incoming token transfers",
    about="Tokens that arrived at custodians, in the wallets of customers and of PBCEx.",
    source=lambda _session, _actor: custody_queries.INCOMING_TRANSFERS,
    columns=(
        Column("custodian", "Custodian", lambda transfer: provider_name(transfer.custodian)),
        Column("amount", "Amount", lambda transfer: transfer.amount),
        Column(
            "arrived",
            "Arrived",
            lambda transfer: transfer.arrived_at,
            tooltip="By the custodian's clock",
        ),
        Column("owner", "Wallet of", _show_owner),
        Column("seen", "Seen", lambda transfer: transfer.seen_at, sort="seen", is_hidden=True),
        Column("id", "ID at the custodian", lambda transfer: transfer.provider_ref, is_hidden=True),
    ),
    default_sort="-seen",
    filters=(
        PersonFilter("customer", "Customer (email or ID)"),
        EnumFilter("problem", "Problem", ArrivalProblem),
    ),
    empty=("No incoming transfers yet", "Deposits of tokens appear here."),
)
blp.add_list("/payouts", PAYOUTS, permission=Permission.CUSTODY_READ)
blp.add_list("/incoming", INCOMING, permission=Permission.CUSTODY_READ)
