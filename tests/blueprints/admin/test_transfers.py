"""The pages of transfers of goods."""

from dataclasses import dataclass

import pytest
from flask import Flask

from app.access import Role
from app.kit.db import Database
from tests.page_client import Browser, Page, check_page
from tests.people import People
from tests.staff import sign_in
from tests.vault.goods import GOLD_BAR, Goods

PATH = "/admin/vault/transfers"


@dataclass(frozen=True)
class Desk:
    """A browser of the role Inventory, ten units at one location, and another location."""

    browser: Browser
    here: Goods
    there: Goods

    def send(self, lines: str) -> str:
        """Send goods; return the path of the transfer's page."""
        response = self.browser.submit_form(
            PATH,
            "send",
            origin=self.here.location.code,
            destination=self.there.location.code,
            lines=lines,
        )
        assert response.status_code == 303, check_page(response).visible_text
        return response.headers["Location"]

    def submit(self, path: str, form: str, **fields: str) -> Page:
        """Send a form of the page, and return the page that follows."""
        response = self.browser.submit_form(path, form, **fields)
        assert response.status_code == 303, check_page(response).visible_text
        return self.browser.get_page(path)


@pytest.fixture
def desk(app: Flask, people: People) -> Desk:
    here = Goods.at_a_new_location(people)
    here.receive()
    return Desk(sign_in(app, people.staff(Role.INVENTORY)), here, here.at_another_location(people))


def test_fragment_is_part_of_its_page(desk: Desk) -> None:
    desk.browser.get_fragment(PATH, "stock_transfers")
    desk.browser.get_fragment(desk.send(f"{desk.here.sku} 4"), "transfer")


def test_transfer_is_received_in_parts_and_closed_with_a_shortage(desk: Desk) -> None:
    path = desk.send(f"{desk.here.sku} 4")
    page = desk.submit(path, "receive", lines=f"{desk.here.sku} 3")
    assert "In transit" in page.visible_text
    assert not page.all("form", id="cancel")
    page = desk.submit(path, "close-short", reason="One coin is missing")
    assert "Closed with a shortage" in page.visible_text
    assert not page.all("form", id="close-short")
    page = desk.submit(path, "receive", lines=f"{desk.here.sku} 1")
    assert not page.all("form", id="receive")
    assert desk.there.available() == 4


def test_transfer_is_cancelled(desk: Desk) -> None:
    path = desk.send(f"{desk.here.sku} 4")
    assert "Cancelled" in desk.submit(path, "cancel").visible_text
    assert desk.here.available() == 10


def test_too_many_units_are_refused(desk: Desk) -> None:
    path = desk.send(f"{desk.here.sku} 4")
    response = desk.browser.submit_form(path, "receive", lines=f"{desk.here.sku} 5")
    assert response.status_code == 422
    assert "At most 4 units" in check_page(response).visible_text


def test_goods_that_are_not_there_are_not_sent(desk: Desk) -> None:
    response = desk.browser.submit_form(
        PATH,
        "send",
        origin=desk.here.location.code,
        destination=desk.there.location.code,
        lines=f"{desk.here.sku} 11",
    )
    assert response.status_code == 409
    assert "not enough units" in check_page(response).visible_text


def test_who_may_only_read_sees_no_forms(
    app: Flask, people: People, desk: Desk, database: Database
) -> None:
    path = desk.send(f"{desk.here.sku} 4")
    auditor = sign_in(app, people.staff(Role.AUDITOR))
    assert not auditor.get_page(PATH).all("form", id="send")
    page = auditor.get_page(path)
    for form in ("receive", "cancel", "close-short"):
        assert not page.all("form", id=form), form


def test_bars_are_sent_and_received_by_serial(app: Flask, people: People) -> None:
    here = Goods.at_a_new_location(people, GOLD_BAR)
    a, b = f"A{here.location.code}", f"B{here.location.code}"
    here.receive_bars(f"{a}, Valcambi, 400, .999\n{b}, Asahi, 400, .999", cost="3116880")
    desk = Desk(sign_in(app, people.staff(Role.INVENTORY)), here, here.at_another_location(people))
    unnamed = desk.browser.submit_form(
        PATH, "send", origin=here.location.code, destination=desk.there.location.code,
        lines=f"{here.sku} 2",
    )  # fmt: skip
    assert "Bars of" in check_page(unnamed).visible_text
    path = desk.send(f"{here.sku}: {b}, {a}")
    to_come = f"{here.sku}: {a} (Valcambi), {b} (Asahi)"
    assert to_come in desk.browser.get_page(path).visible_text
    page = desk.submit(path, "receive", lines=f"{here.sku}: {a}")
    to_come = f"{here.sku}: {b} (Asahi)"
    assert to_come in page.visible_text
    desk.submit(path, "receive", lines=to_come)
    assert desk.there.available() == 2
