"""The page of a market in a browser: it fits, in both themes, and is accessible."""

from app.catalog.rules import Token
from app.kit.db import Database
from app.pricing import service as pricing
from app.pricing.rules import HaltReason
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import OPPOSITES, Shoot, assert_fits_and_accessible


def test_page_of_a_market_fits_and_is_accessible(
    open_desk: OpenDesk, admin_sign_in: tuple[str, str], shoot: Shoot, database: Database
) -> None:
    with database.transaction() as session:
        pricing.halt_market(
            session, None, Token.PAXG, HaltReason.PROVIDER, note="The custodian does not answer."
        )
    desk = open_desk(width=1280)
    page = desk.sign_in(*admin_sign_in, "/admin/markets/PAXG")
    assert_fits_and_accessible(page, shoot, "market-halted", OPPOSITES)
    page.goto(f"{desk.address}/admin/markets/AU")
    assert_fits_and_accessible(page, shoot, "market", OPPOSITES)
    with database.transaction() as session:
        pricing.resume_market(session, None, Token.PAXG, note="It answers again.")
