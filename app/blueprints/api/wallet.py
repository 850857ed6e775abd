"""Balances, transfers between a customer's own accounts, movements and statements."""

from typing import Any

from app.access import Actor, Permission
from app.blueprints.api.schemas import wallet as schemas_wallet
from app.blueprints.api.schemas.fields import parse_amount
from app.blueprints.api.schemas.wallet import StatementFormat
from app.blueprints.api_blueprint import ApiBlueprint, RateLimit, best_media_type
from app.blueprints.api_operation import FileReply
from app.catalog.rules import TRADABLE
from app.funding import queries as funding_queries
from app.funding.transfers import service as transfers
from app.kit import pagination
from app.kit.db import SNAPSHOT, Database, Session
from app.ledger import service as ledger
from app.ledger.errors import InsufficientFunds
from app.pricing.errors import GateClosed, MarketHalted, PriceStale, TransferLimitExceeded
from app.reporting import statement_csv, statements
from app.reporting.movements import MovementFilter, list_movements
from app.reporting.statements import AccountStatement, Period
from app.storage_fees import queries as storage_fees_queries

_CSV, _PDF = "text/csv", "application/pdf"
_FORMATS = {
    StatementFormat.JSON: "application/json",
    StatementFormat.CSV: _CSV,
    StatementFormat.PDF: _PDF,
}

blp = ApiBlueprint("wallet", "/api/wallet", "Balances, transfers, movements and statements")


@blp.operation(
    "GET",
    "/balances",
    operation_id="walletBalances",
    permission=Permission.BALANCES_READ,
    response_schema=schemas_wallet.BalancesSchema,
)
def show_balances(session: Session, actor: Actor) -> object:
    """Show the balances by account, with their value at the bid price."""
    return funding_queries.valued_balances(session, actor.user_id)


@blp.operation(
    "POST",
    "/transfer",
    operation_id="walletTransfer",
    permission=Permission.TRANSFERS_CREATE,
    body_schema=schemas_wallet.TransferRequestSchema,
    response_schema=schemas_wallet.TransferSchema,
    status=201,
    idempotent=True,
    refusals=(InsufficientFunds, GateClosed, TransferLimitExceeded, PriceStale, MarketHalted),
)
def create_transfer(session: Session, actor: Actor, body: dict[str, Any]) -> object:
    """Transfer between your accounts.

    Mints XAU-s from PAXG, or burns it back to PAXG, one to one by weight.
    """
    return transfers.transfer(
        session,
        actor,
        amount=parse_amount("amount", body["asset"], body["amount"]),
        origin=body["from_"],
        destination=body["to"],
    )


@blp.operation(
    "GET",
    "/transactions",
    operation_id="walletTransactions",
    permission=Permission.BALANCES_READ,
    query_schema=schemas_wallet.MovementsQuerySchema,
    response_schema=schemas_wallet.MovementsSchema,
)
def list_transactions(session: Session, actor: Actor, query: dict[str, Any]) -> object:
    """List the movements of the balances, newest first."""
    asset = TRADABLE[query["asset"]] if "asset" in query else None
    movement_filter = MovementFilter(asset, query.get("kind"), query.get("from_"), query.get("to"))
    return list_movements(
        session, actor.user_id, movement_filter, **pagination.page_arguments(query)
    )


@blp.operation(
    "GET",
    "/statements",
    operation_id="walletStatement",
    permission=Permission.BALANCES_READ,
    query_schema=schemas_wallet.StatementQuerySchema,
    response_schema=schemas_wallet.StatementSchema,
    file_media_types=(_CSV, _PDF),
    rate_limit=RateLimit.STATEMENT,
    own_transactions=True,
)
def show_statement(database: Database, actor: Actor, query: dict[str, Any]) -> object:
    """Show a statement of one account over a period.

    In each asset, opening + movements = closing. Available as JSON, CSV or PDF: `format` chooses,
    or else the Accept header. An entry belongs to the period if its time is in it. A period never
    changes once its statement was shown: what is booked later with a time in it is a `late`
    movement of the next one, which opens with the closing balance of this one. A statement has at
    most 10,000 movements, a PDF 1,000: request shorter periods for more.
    """
    requested_format = query.get("format")
    media_type = (
        _FORMATS[requested_format] if requested_format else best_media_type(*_FORMATS.values())
    )
    movements_max = statements.PDF_MOVEMENTS_MAX if media_type == _PDF else statements.MOVEMENTS_MAX
    asset = TRADABLE[query["asset"]] if "asset" in query else None
    period = Period.between(query.get("from_"), query.get("to"))
    assets = statements.assets_of_statement(query["account"], asset)
    with database.transaction() as session:
        ledger.close_accounts(session, actor.user_id, assets, ends_at=period.end)
    with database.transaction(SNAPSHOT) as session:
        statement = statements.build_statement(
            session, actor.user_id, query["account"], period, asset, movements_max=movements_max
        )
    return _render_statement(statement, media_type)


@blp.operation(
    "GET",
    "/storage-fees",
    operation_id="walletStorageFees",
    permission=Permission.BALANCES_READ,
    response_schema=schemas_wallet.StorageFeesSchema,
)
def show_storage_fees(session: Session, actor: Actor) -> object:
    """Show what storing your metal costs: this month so far, and past charges.

    Ounces above the free ones cost a yearly rate, counted and valued at 24:00 UTC of each day. A
    month is charged soon after it has ended: from dollars, then from metal if you consent to
    `storage_sales` (`POST /api/me/consents`), and what is left is owed.
    """
    return {
        "accrued": storage_fees_queries.accrued_fees(session, actor.user_id),
        "charges": storage_fees_queries.list_charges(session, actor.user_id),
    }


def _render_statement(statement: AccountStatement, media_type: str) -> object:
    """Return the statement in the requested format."""
    if media_type == _CSV:
        return FileReply(
            statement_csv.render_csv(statement),
            f"{statement.file_name}.csv",
            statement_csv.MEDIA_TYPE,
        )
    if media_type == _PDF:
        from app.reporting import statement_pdf  # noqa: PLC0415 - its library takes 20 MB

        return FileReply(statement_pdf.render_pdf(statement), f"{statement.file_name}.pdf", _PDF)
    return statement
