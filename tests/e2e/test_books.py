"""The pages of the books in a browser: they fit and are accessible."""

from collections.abc import Callable

from flask import Flask
from playwright.sync_api import Page, expect

from app.access import Role
from app.kit.db import Database
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import assert_fits_and_accessible
from tests.people import PASSWORD, People, set_prices

_PRICES = {"AU": "4000", "AG": "50", "PT": "1000", "PD": "1200", "CU": "0.3", "PAXG": "4001"}


def test_books_fit_and_are_accessible(
    app: Flask, open_desk: OpenDesk, people: People, shoot: Callable[[Page, str], None]
) -> None:
    database: Database = app.extensions["database"]
    set_prices(database, **_PRICES)
    people.customer(USD="1234567.89", XAU_s="12.00000001")
    desk = open_desk()
    page = desk.sign_in(people.staff(Role.ADMIN).email, PASSWORD, "/admin/books?compare=year")
    expect(page.get_by_role("heading", name="Trial balance")).to_be_visible()
    assert_fits_and_accessible(page, shoot, "books")
    page.goto(f"{desk.address}/admin/books/periods")
    expect(page.get_by_role("heading", name="Post an adjusting entry")).to_be_visible()
    assert_fits_and_accessible(page, shoot, "books-periods")
    desk.check(page)
