"""Invoices: what they say, to the cent, and their numbers."""

from dataclasses import dataclass, replace
from uuid import UUID

import psycopg
import pypdfium2
import pytest
from flask import Flask

from app.access import Actor, Role
from app.branches.models import Branch
from app.documents import invoice_pdf
from app.documents import queries as documents_queries
from app.documents import service as documents
from app.documents.queries import NumberedDocument
from app.documents.rules import DocumentContent
from app.kit.db import Database
from app.kit.errors import NotFound
from app.shop.checkout import invoice_documents
from app.shop.orders.queries import GoodsOrder
from app.tax.assessment import Delivery
from tests.api_client import ApiClient, assert_problem
from tests.documents.paper import add_entity, read_numbers, request
from tests.mailbox import run_pending_jobs, use_mailbox
from tests.people import People
from tests.rows import change_rows
from tests.shop.paid_later import BY_TRANSFER, LaterBuyer
from tests.shop.stall import BOSTON, Stall, proven
from tests.staff import sign_in


@pytest.fixture
def entity_id(database: Database) -> UUID:
    return add_entity(database)


@dataclass(frozen=True)
class Sale:
    """An order of goods from the branches of two companies."""

    database: Database
    buyer: Actor
    order: GoodsOrder
    documents: list[NumberedDocument]
    contents: list[DocumentContent]


@pytest.fixture
def sale(people: People) -> Sale:
    """Sell two coins of an ounce of gold, and one of a franchise, to Boston."""
    stall, franchise = Stall.open(people), Stall.open(people)
    with people.database.transaction() as session:
        change_rows(
            session,
            Branch,
            Branch.id == franchise.branch_id,
            legal_entity_id=add_entity(people.database),
        )
    buyer = stall.buyer(USD="20000")
    lock = stall.lock(buyer, stall.coins(), franchise.coins())
    order = stall.buy(proven(buyer), lock, delivery=Delivery.SHIP, shipping_address=BOSTON)
    with people.database.transaction() as session:
        documents.number_waiting(session)
    with people.database.reading() as session:
        found = list(documents_queries.list_documents_about(session, [order.public_id]))
        contents = [documents_queries.get_content(session, each.id) for each in found]
    return Sale(people.database, buyer, order, found, contents)


def test_invoices_of_an_order_are_one_of_each_company_and_add_up_to_its_total(sale: Sale) -> None:
    """Two coins at 4,208.40 with insurance of .25 %, 21.04, which is shared to the cent."""
    assert str(sale.order.total) == "8437.84"
    assert [str(content.goods) for content in sale.contents] == ["4208.40", "4208.40"]
    assert [str(content.insurance) for content in sale.contents] == ["10.52", "10.52"]
    assert sum(document.total.units for document in sale.documents) == sale.order.total.units
    assert len({document.entity_code for document in sale.documents}) == 2
    for document, content in zip(sale.documents, sale.contents, strict=True):
        assert document.total == content.total
        assert content.customer.address == "1 Beacon Street, Boston, MA, 02108, US"
        assert content.payment == "Dollar balance: 8,437.84 USD"


def read_pdf(pdf: bytes) -> str:
    """Return the text of the first page."""
    return str(pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_range())


def test_invoice_as_pdf_says_the_same_and_has_the_same_bytes_each_time(sale: Sale) -> None:
    document, content = sale.documents[0], sale.contents[0]
    pdf = invoice_pdf.render_pdf(document.title, document.issued_at, content)
    assert pdf == invoice_pdf.render_pdf(document.title, document.issued_at, content)
    text = read_pdf(pdf)
    for expected in (
        f"Invoice {document.number}",
        str(sale.order.number),
        content.lines[0].sku,
        "4,208.40 USD",
        "4,218.92 USD",
        "Ada Lovelace",
        "Massachusetts exempts",
    ):
        assert expected in text


def test_email_about_a_numbered_invoice_has_it_as_pdf(sale: Sale) -> None:
    with use_mailbox() as mailbox:
        run_pending_jobs(sale.database)
    emails = [email for email in mailbox.sent_to(sale.buyer.email) if email.attachments]
    assert sorted(email.subject for email in emails) == sorted(
        each.title for each in sale.documents
    )
    for email in emails:
        [attached] = email.attachments
        assert (attached.name, attached.media_type) == (
            f"{email.subject.split()[-1]}.pdf", "application/pdf",
        )  # fmt: skip
        assert email.subject in read_pdf(attached.content)


def test_pro_forma_invoice_of_a_bank_transfer_says_where_to_send_the_money_until_it_came(
    database: Database, people: People
) -> None:
    later = LaterBuyer.create(database, people)
    order = later.order(BY_TRANSFER)
    later.pay(order)
    waiting = later.now(order)
    with database.reading() as session:
        content = invoice_documents.draw_up_pro_forma(session, waiting)
    transfer_to = waiting.payment.transfer_to
    assert transfer_to is not None
    text = read_pdf(invoice_pdf.render_pdf("Pro-forma invoice", waiting.placed_at, content))
    words = " ".join(text.split())
    for expected in (
        "Transfer 4,208.40 USD until",
        *transfer_to.values(),
        str(order.number),
        later.coins.sku,
    ):
        assert expected in words
    assert content.total == order.total
    with use_mailbox() as mailbox:
        run_pending_jobs(database)
    emails = mailbox.sent_to(later.payer.actor.email)
    [attached] = [each for email in emails for each in email.attachments]
    assert attached.name == f"pro-forma-{order.number}.pdf"
    assert attached.content.startswith(b"%PDF")
    later.cancel(order)
    with database.reading() as session, pytest.raises(NotFound):
        invoice_documents.draw_up_pro_forma(session, later.now(order))


def test_numbers_are_consecutive_for_each_company_and_a_failed_run_leaves_no_gap(
    database: Database, entity_id: UUID, person: Actor
) -> None:
    other_id = add_entity(database)
    with database.transaction() as session:
        request(session, entity_id, person)
        request(session, other_id, person)
        request(session, entity_id, person)
    with pytest.raises(psycopg.Error):
        number_and_fail(database)
    assert read_numbers(database, entity_id) == [None, None]
    with database.transaction() as session:
        documents.number_waiting(session)
        request(session, entity_id, person)
    with database.transaction() as session:
        documents.number_waiting(session)
        assert documents.number_waiting(session) == 0
    assert read_numbers(database, entity_id) == [1, 2, 3]
    assert read_numbers(database, other_id) == [1]


def number_and_fail(database: Database) -> None:
    with database.transaction() as session:
        documents.number_waiting(session)
        session.value("SELECT 1 / 0", ())


def test_document_without_a_number_is_not_shown(
    database: Database, entity_id: UUID, person: Actor
) -> None:
    with database.transaction() as session:
        document_id = request(session, entity_id, person)
        with pytest.raises(NotFound):
            documents_queries.get_document(session, document_id)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sales_documents SET number = 9 WHERE id = %s",
        "UPDATE sales_documents SET number = NULL, numbered_at = NULL WHERE id = %s",
        "UPDATE sales_documents SET total_units = 1 WHERE id = %s",
        "DELETE FROM sales_documents WHERE id = %s",
    ],
)
def test_database_refuses_to_change_a_numbered_document(
    database: Database, entity_id: UUID, person: Actor, statement: str
) -> None:
    with database.transaction() as session:
        document_id = request(session, entity_id, person)
        documents.number_waiting(session)
    with pytest.raises(psycopg.Error), database.transaction() as session:
        session.rows(f"{statement} RETURNING 1", (document_id,))


def test_customer_and_staff_download_an_invoice_that_others_do_not_find(
    open_app: Flask, database: Database, people: People, entity_id: UUID
) -> None:
    customer, stranger = (ApiClient.create_customer(open_app) for _ in range(2))
    buyer = people.customer()
    with database.transaction() as session:
        request(session, entity_id, buyer)
        own_id = request(session, entity_id, replace(buyer, user_id=customer.user_id))
        documents.number_waiting(session)
        own = documents_queries.get_document(session, own_id)
    path = f"/api/shop/documents/{own.public_id}"
    file = customer.get(path)
    assert (file.status_code, file.mimetype) == (200, "application/pdf")
    assert file.headers["Content-Disposition"] == f'attachment; filename="{own.number}.pdf"'
    assert_problem(stranger.get(path), 404, "not_found")
    browser = sign_in(open_app, people.staff(Role.SUPPORT))
    page = browser.get_page(f"/admin/documents?entity={own.entity_code}&number=2")
    [link] = page.all("a", href=f"/admin/documents/{own.public_id}.pdf")
    assert browser.client.get(link["href"]).data == file.data
