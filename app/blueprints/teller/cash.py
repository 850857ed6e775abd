"""Cash of customers at the counter: find the customer, take cash in or pay it out, print."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.blueprints import searches
from app.blueprints.forms import Done, Form, FormSchema, choice_field, text_field
from app.blueprints.page_blueprint import PageBlueprint, see_other
from app.blueprints.rendering import render_page
from app.blueprints.teller import second_person
from app.blueprints.teller.cash_fields import declare_count
from app.catalog.rules import USD, CashInstrument
from app.counter.cash import customers
from app.counter.cash import service as cash
from app.counter.cash.service import CashPayment
from app.counter.drawers import queries as drawers_queries
from app.counter.drawers.rules import CashPieces, parse_pieces
from app.counter.receipts import queries as receipts_queries
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.formatting import format_amount
from app.kit.money import Amount, InvalidAmount
from app.kyc.submission.queries import CustomerIdentity

blp = PageBlueprint("cash", "/teller/cash")

_WORK = Permission.DRAWERS_WORK
_DOCUMENTS = (
    ("passport", "Passport"),
    ("driving licence", "Driving licence"),
    ("identity card", "Identity card"),
)


def _parse_amount(text: str) -> Amount:
    """Return an amount as people type it. Raises `Invalid` naming `amount`."""
    try:
        return Amount.parse(USD, text.replace(",", "").strip())
    except InvalidAmount as problem:
        raise Invalid("amount", str(problem)) from None


_AMOUNT = text_field("Amount in USD", "Enter the amount.", check=_parse_amount)


class AmountSchema(FormSchema):
    """What the customer wants to be paid."""

    amount = _AMOUNT


_COUNT_SCHEMA = declare_count(
    "CustomerCashSchema",
    CashInstrument.CASH,
    amount=_AMOUNT,
    document=choice_field("Document shown", "Choose the document that you compared.", _DOCUMENTS),
)
_WITNESSED_SCHEMA = declare_count(
    "WitnessedCashSchema",
    CashInstrument.CASH,
    amount=_AMOUNT,
    document=choice_field("Document shown", "Choose the document that you compared.", _DOCUMENTS),
    witness=second_person.witness_field(),
    pin=second_person.pin_field(),
)
DEPOSIT = Form(
    "deposit",
    title="Take cash in",
    about="Compare the document with the customer. Notes that you give back have a minus.",
    schema=_COUNT_SCHEMA,
    button="Take cash in (F10)",
    success="Cash taken in.",
    failure="Nothing was booked",
    confirm="Is this what the customer gave you?",
    is_keyed=True,
)
ASK = Form(
    "ask",
    title="Pay cash out",
    about="The notes and coins are suggested from what the drawer holds.",
    schema=AmountSchema,
    button="Go on",
    failure="This cannot be paid out",
    is_keyed=True,
)
WITHDRAWAL = Form(
    "withdrawal",
    title="Pay cash out",
    about="Compare the document with the customer, and count the cash in front of them.",
    schema=_COUNT_SCHEMA,
    button="Pay cash out (F10)",
    success="Cash paid out.",
    failure="Nothing was booked",
    confirm="Is this what the customer gets?",
    is_keyed=True,
)
WITNESSED_DEPOSIT = Form(
    "deposit-two",
    title="Take cash in, with a second person",
    about="A colleague counts, too, and enters their PIN.",
    schema=_WITNESSED_SCHEMA,
    button=DEPOSIT.button,
    success=DEPOSIT.success,
    failure=DEPOSIT.failure,
    confirm=DEPOSIT.confirm,
    is_keyed=True,
)
WITNESSED_WITHDRAWAL = Form(
    "withdrawal-two",
    title="Pay cash out, with a second person",
    about="A colleague counts, too, and enters their PIN.",
    schema=_WITNESSED_SCHEMA,
    button=WITHDRAWAL.button,
    success=WITHDRAWAL.success,
    failure=WITHDRAWAL.failure,
    confirm=WITHDRAWAL.confirm,
    is_keyed=True,
)


@blp.view("GET", "", permission=_WORK)
def show_search(session: Session, _actor: Actor) -> Response:
    """Find the customer who is at the counter."""
    try:
        text = searches.searched_text("customer")
    except Invalid as refusal:
        return _show_found("", {refusal.field: refusal.message}, [])
    found = customers.find_customers(session, text) if text else []
    if len(found) == 1:
        [customer] = found
        return see_other(_customer_url("show_customer", customer.id))
    missing = {"customer": "No customer is found by this. Check it with the customer."}
    return _show_found(text, missing if text and not found else {}, found)


def _show_found(
    text: str, problems: Mapping[str, str], found: Sequence[CustomerIdentity]
) -> Response:
    return render_page(
        "teller/cash_search.html",
        text=text,
        problems=problems,
        found=[(_customer_url("show_customer", each.id), each) for each in found],
    )


@blp.view("POST", "", permission=_WORK)
def find_customer(_session: Session, _actor: Actor) -> Response:
    """Find the customer: the URL holds what was typed sealed."""
    text = searches.typed_text("customer")
    return see_other(searches.url_of("cash_pages.show_search", customer=text))


@blp.view("GET", "/<person_id>", permission=_WORK)
def show_customer(session: Session, actor: Actor, person_id: str) -> Response:
    """Show the customer, and what can be done with their cash."""
    return render_page(
        "teller/cash_customer.html",
        customer=customers.get_customer(session, ids.decode("usr", person_id)),
        drawer=drawers_queries.find_own_drawer(session, actor),
    )


@blp.view("GET", "/<person_id>/deposit", permission=_WORK)
def show_deposit(session: Session, _actor: Actor, person_id: str) -> Response:
    """Show the form that takes cash in."""
    return _show_form(session, person_id, DEPOSIT)


@blp.form("/<person_id>/deposit", DEPOSIT, shown_on=show_deposit, permission=_WORK)
def deposit(session: Session, actor: Actor, fields: Mapping[str, str], person_id: str) -> Done:
    """Take cash in onto the customer's dollars."""
    return _print(cash.deposit(session, actor, _read(fields, person_id)))


@blp.view("GET", "/<person_id>/deposit/two", permission=_WORK)
def show_witnessed_deposit(session: Session, actor: Actor, person_id: str) -> Response:
    """Show the form that takes cash in which two people count."""
    return _show_form(session, person_id, WITNESSED_DEPOSIT, actor)


@blp.form(
    "/<person_id>/deposit/two",
    WITNESSED_DEPOSIT,
    shown_on=show_witnessed_deposit,
    permission=_WORK,
    keeps_form=False,
)
def deposit_witnessed(
    session: Session, actor: Actor, fields: Mapping[str, str], person_id: str
) -> Done:
    """Take cash in that two people counted."""
    witness_id = second_person.confirm(session, actor, fields["witness"], fields["pin"])
    return _print(cash.deposit(session, actor, _read(fields, person_id, witness_id)))


@blp.view("GET", "/<person_id>/withdrawal", permission=_WORK)
def show_ask(session: Session, _actor: Actor, person_id: str) -> Response:
    """Ask how much the customer wants."""
    return _show_form(session, person_id, ASK)


@blp.form("/<person_id>/withdrawal", ASK, shown_on=show_ask, permission=_WORK)
def ask(session: Session, actor: Actor, fields: Mapping[str, str], person_id: str) -> str:
    """Suggest notes and coins that the drawer holds."""
    amount = _parse_amount(fields["amount"])
    if cash.suggest_payout(session, actor, amount) is None:
        raise Invalid(
            "amount", "Your drawer cannot pay this. Take cash out of the safe, or pay less."
        )
    needs_two = cash.needs_witness(session, ids.decode("usr", person_id), amount)
    view = "show_witnessed_withdrawal" if needs_two else "show_withdrawal"
    return url_for(f"cash_pages.{view}", person_id=person_id, amount=str(amount))


@blp.view("GET", "/<person_id>/withdrawal/count", permission=_WORK)
def show_withdrawal(session: Session, actor: Actor, person_id: str) -> Response:
    """Show the form that pays cash out, with the suggested notes and coins."""
    return _show_form(session, person_id, WITHDRAWAL, actor)


@blp.form("/<person_id>/withdrawal/count", WITHDRAWAL, shown_on=show_withdrawal, permission=_WORK)
def withdraw(session: Session, actor: Actor, fields: Mapping[str, str], person_id: str) -> Done:
    """Pay cash out of the customer's dollars."""
    return _print(cash.withdraw(session, actor, _read(fields, person_id)))


@blp.view("GET", "/<person_id>/withdrawal/two", permission=_WORK)
def show_witnessed_withdrawal(session: Session, actor: Actor, person_id: str) -> Response:
    """Show the form that pays cash out which two people count."""
    return _show_form(session, person_id, WITNESSED_WITHDRAWAL, actor)


@blp.form(
    "/<person_id>/withdrawal/two",
    WITNESSED_WITHDRAWAL,
    shown_on=show_witnessed_withdrawal,
    permission=_WORK,
    keeps_form=False,
)
def withdraw_witnessed(
    session: Session, actor: Actor, fields: Mapping[str, str], person_id: str
) -> Done:
    """Pay cash out that two people counted."""
    witness_id = second_person.confirm(session, actor, fields["witness"], fields["pin"])
    return _print(cash.withdraw(session, actor, _read(fields, person_id, witness_id)))


def _read(fields: Mapping[str, str], person_id: str, witness_id: UUID | None = None) -> CashPayment:
    return CashPayment(
        ids.decode("usr", person_id),
        _parse_amount(fields["amount"]),
        parse_pieces(fields),
        fields["document"],
        witness_id,
    )


def _print(receipt_id: UUID) -> Done:
    public_id = ids.encode(receipts_queries.PREFIX, receipt_id)
    return Done(url_for("receipts_pages.show_receipt", receipt_id=public_id, print="now"))


def _customer_url(view: str, person_id: UUID) -> str:
    return url_for(f"cash_pages.{view}", person_id=ids.encode("usr", person_id))


def _show_form(
    session: Session, person_id: str, form: Form, actor: Actor | None = None
) -> Response:
    """Show a form about the customer's cash. For the actor it suggests what to pay, and who counts
    with them."""
    customer = customers.get_customer(session, ids.decode("usr", person_id))
    pieces, amount = CashPieces(), request.args.get("amount", "")
    if actor is not None and amount:
        pieces = cash.suggest_payout(session, actor, _parse_amount(amount)) or pieces
    return render_page(
        "teller/cash_form.html",
        declared=form,
        about=f"{customer.identity.name}, available {format_amount(customer.available)}",
        values={"amount": amount, **{piece.name: str(count) for piece, count in pieces.listed()}},
        options={} if actor is None else {"witness": second_person.list_choices(session, actor)},
        back=_customer_url("show_customer", customer.identity.id),
    )
