"""Fulfilment analytics, and the board of redemptions."""

from flask import Flask

from app.access import Role
from app.redemption.requests import listed
from tests.fulfillment.dispatch import STEPS, Dispatch
from tests.people import People
from tests.redemption.counter import Counter
from tests.staff import sign_in


def test_figures_of_a_period_are_shown_and_downloaded(app: Flask, people: People) -> None:
    counter = Counter.open(people)
    dispatch = Dispatch.open(counter.stall)
    order = dispatch.order(dispatch.stall.coins())
    for step in STEPS:
        dispatch.step(dispatch.shipment(order).id, step)
    counter.submit()
    browser = sign_in(app, people.staff(Role.INVENTORY))
    page = browser.get_page("/admin/fulfilment")
    for expected in ("Shipments by who sent them", "JM", "XAU-s", "Goods in the vault"):
        assert expected in page.visible_text
    rows = browser.client.get("/admin/fulfilment/figures.csv").text.splitlines()
    figures = {tuple(row.split(",")[:2]): row.split(",")[2] for row in rows}
    assert int(figures["JM", "delivered"]) >= 1
    assert int(figures["XAU-s", "redemptions"]) >= 1
    before = browser.get_page("/admin/fulfilment?from=2001-01-01&to=2001-12-31")
    assert "No shipment was requested in this period." in before.visible_text


def test_board_shows_redemptions_by_status(app: Flask, people: People) -> None:
    counter = Counter.open(people)
    waiting, approved = counter.submit(), counter.submit()
    counter.approve(approved)
    browser = sign_in(app, people.staff(Role.SUPPORT))
    board = browser.get_page("/admin/redemptions/board")
    for redemption in (waiting, approved):
        assert board.all("a", href=f"/admin/redemptions/{redemption.public_id}")
    assert browser.get_page("/admin/redemptions").all("a", href="/admin/redemptions/board")
    with people.database.reading() as session:
        columns = {column.status: column for column in listed.read_board(session)}
    assert waiting.id in {card.id for card in columns[waiting.status].cards}
    assert all(len(column.cards) <= column.count for column in columns.values())
