"""Exchanges about redemption."""

from typing import Any

import pytest

from app.access import Role
from app.catalog.products import service as products
from app.catalog.provider_ids import STRIPE
from app.catalog.rules import USD, Metal
from app.funding.receivables import service as receivables
from app.kit import ids
from app.kit.money import Amount
from app.ledger import chart
from app.pricing import service as pricing
from app.pricing.rules import HaltReason
from app.redemption.quotes.rules import RedemptionRules
from app.screening import recipients
from app.screening.rules import Verdict
from tests import sanctions
from tests.api_client import assert_problem
from tests.api_document.buying import ADDRESS, SKU, pay_card_money_in
from tests.api_document.examples import RecordingClient
from tests.api_document.goods import sign_staff_in
from tests.api_document.money import create_verified
from tests.api_document.play import Play
from tests.fixed_settings import fixed_settings
from tests.people import People

_REDEEM, _QUOTE, _STATUS = "/api/redeem", "/api/redeem/quote", "/api/redeem/status"
_VAULT = "/api/vault/redemptions"
_COIN = {"asset": "XAU-s", "amount": "1", "format": "COIN"}
_ABROAD = {"country": "SY", "street": "Straight Street 1", "city": "Damascus"}


def redeem_metal(play: Play, patch: pytest.MonkeyPatch) -> None:
    """Redeem a coin, cancel one, and be refused for each reason; then decide as staff."""
    with play.database.transaction() as session:
        products.change_product(session, None, SKU, {"age_min": ""})
    owner = create_verified(play, "olga", XAU_s="8")
    assert_problem(owner.post(_REDEEM, _shipped(owner)), 409, "insufficient_funds")
    owner.credit(USD="600.00")
    pay_card_money_in(play, owner)
    whole = {**_COIN, "amount": "8", "shippingAddress": ADDRESS}
    assert_problem(owner.post(_REDEEM, whole), 409, "card_money_unsettled")
    owner.credit(USD="9000.00")
    redemption = _redeem(owner)
    owner.ok(200, owner.get("/api/redeem/history"))
    owner.ok(200, owner.get(f"{_STATUS}/{redemption}"))
    unknown = ids.encode("rdm", ids.new())
    assert_problem(owner.get(f"{_STATUS}/{unknown}"), 404, "not_found")
    staff = sign_staff_in(play, "reviewer", People(play.database).staff(Role.SUPPORT).email)
    staff.ok(200, staff.get(f"{_VAULT}/pending"))
    assert_problem(staff.post(f"{_VAULT}/{unknown}/approve", {}), 404, "not_found")
    staff.ok(200, staff.post(f"{_VAULT}/{redemption}/approve", {"reason": "Known customer"}))
    _ship(play, owner, redemption, patch)
    assert_problem(owner.post(f"{_REDEEM}/{redemption}/cancel"), 409, "cancel_window_closed")
    assert_problem(owner.post(f"{_REDEEM}/{unknown}/cancel"), 404, "not_found")
    owner.ok(200, owner.post(f"{_REDEEM}/{_redeem(owner)}/cancel"))
    _decide(owner, staff, redemption, patch)
    _refuse_quotes(play, owner)
    _refuse_people(play, owner)


def _ship(play: Play, owner: RecordingClient, redemption: str, patch: pytest.MonkeyPatch) -> None:
    keeper = sign_staff_in(play, "packer", People(play.database).staff(Role.INVENTORY).email)
    tracking = {"carrier": "fedex", "trackingNumber": "794644790132"}
    unknown = f"{_VAULT}/{ids.encode('rdm', ids.new())}/ship"
    assert_problem(keeper.post(unknown, tracking), 404, "not_found")
    waiting = f"{_VAULT}/{_redeem(owner)}/ship"
    assert_problem(keeper.post(waiting, tracking), 409, "wrong_redemption_status")
    path = f"{_VAULT}/{redemption}/ship"
    with patch.context() as screening:
        screening.setattr(recipients, "screen_recipient", lambda *_, **__: Verdict.REVIEW)
        assert_problem(keeper.post(path, tracking), 409, "recipient_not_cleared")
    keeper.ok(200, keeper.post(path, tracking))


def _shipped(owner: RecordingClient) -> dict[str, Any]:
    return {"quoteId": _quote(owner), "shippingAddress": ADDRESS}


def _quote(owner: RecordingClient) -> str:
    quote_id: str = owner.ok(200, owner.get(_QUOTE, **_COIN))["quoteId"]
    return quote_id


def _redeem(owner: RecordingClient, **lines: str) -> str:
    body = {"quoteId": _quote(owner), "shippingAddress": {**ADDRESS, **lines}}
    redemption = owner.ok(201, owner.post(_REDEEM, body))["redemption"]
    return str(redemption["id"])


def _decide(
    owner: RecordingClient, staff: RecordingClient, decided: str, patch: pytest.MonkeyPatch
) -> None:
    for act, body in (("approve", {}), ("reject", {"reason": "not plausible"})):
        again = staff.post(f"{_VAULT}/{decided}/{act}", body)
        assert_problem(again, 409, "wrong_redemption_status")
    with fixed_settings(RedemptionRules(approval_from=Amount.parse(USD, "1.00"))):
        path = f"{_VAULT}/{_redeem(owner)}/approve"
        staff.ok(202, staff.post(path, {"reason": "Known customer"}))
        assert_problem(staff.post(path, {}), 409, "approval_pending")
    listed = f"{_VAULT}/{_redeem(owner, recipient=sanctions.LISTED_NAME)}"
    assert_problem(staff.post(f"{listed}/approve", {}), 409, "recipient_under_review")
    staff.ok(200, staff.post(f"{listed}/reject", {"reason": "not plausible"}))
    unknown = f"{_VAULT}/{ids.encode('rdm', ids.new())}/reject"
    assert_problem(staff.post(unknown, {"reason": "not plausible"}), 404, "not_found")
    with patch.context() as screening:
        screening.setattr(recipients, "screen_recipient", lambda *_, **__: Verdict.BLOCKED)
        blocked = staff.post(f"{_VAULT}/{_redeem(owner)}/approve", {})
    assert_problem(blocked, 409, "delivery_refused")


def _refuse_quotes(play: Play, owner: RecordingClient) -> None:
    by_quote = {"quoteId": ids.encode("rdq", ids.new()), "shippingAddress": ADDRESS}
    assert_problem(owner.post(_REDEEM, by_quote), 404, "not_found")
    used = _shipped(owner)
    owner.ok(201, owner.post(_REDEEM, used))
    assert_problem(owner.post(_REDEEM, used), 409, "quote_used")
    lacking = {**_COIN, "format": "COIL"}
    assert_problem(owner.get(_QUOTE, **lacking), 409, "insufficient_stock")
    at_once = {**_COIN, "shippingAddress": ADDRESS}
    assert_problem(owner.post(_REDEEM, {**at_once, "format": "COIL"}), 409, "insufficient_stock")
    with play.without_prices():
        assert_problem(owner.get(_QUOTE, **_COIN), 409, "price_stale")
        assert_problem(owner.post(_REDEEM, at_once), 409, "price_stale")
    with play.database.transaction() as session:
        pricing.halt_market(session, None, Metal.AU, HaltReason.EVENT, note="Example")
    assert_problem(owner.get(_QUOTE, **_COIN), 409, "market_halted")
    assert_problem(owner.post(_REDEEM, at_once), 409, "market_halted")
    play.pass_time(seconds=0)
    late = _shipped(owner)
    play.pass_time(minutes=11)
    assert_problem(owner.post(_REDEEM, late), 401, "reauthentication_required")
    owner.token = owner.plain().sign_in()["accessToken"]
    assert_problem(owner.post(_REDEEM, late), 409, "quote_expired")


def _refuse_people(play: Play, owner: RecordingClient) -> None:
    abroad = {**_COIN, "shippingAddress": _ABROAD}
    assert_problem(owner.post(_REDEEM, abroad), 409, "region_restricted")
    with play.database.transaction() as session:
        products.change_product(session, None, SKU, {"age_min": "120"})
    at_once = {**_COIN, "shippingAddress": ADDRESS}
    assert_problem(owner.post(_REDEEM, at_once), 409, "age_restricted")
    with fixed_settings(RedemptionRules(open_max=1)):
        assert_problem(owner.post(_REDEEM, at_once), 409, "limit_exceeded")
    stranger = play.client("petra")
    stranger.join()
    stranger.credit(XAU_s="1")
    assert_problem(stranger.post(_REDEEM, at_once), 409, "kyc_required")
    with play.database.transaction() as session:
        receivables.record_receivable(
            session,
            owner.user_id,
            reference=f"example:{ids.new()}",
            owed=Amount.parse(USD, "60000.00"),
            taken_from=chart.processor(USD, STRIPE),
        )
    assert_problem(owner.post(_REDEEM, at_once), 409, "account_owes")
