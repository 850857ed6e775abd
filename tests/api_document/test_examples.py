"""The examples of the API document are the answers of today."""

import pytest
from flask import Flask

from tests.api_document import (
    accounts,
    buying,
    changing,
    goods,
    money,
    places,
    profile,
    redeeming,
    refunding,
    refusals,
    returning,
    reviewing,
    shopping,
    supporting,
)
from tests.api_document.play import Play, playing
from tests.house import snapshot
from tests.house.source import CHECKOUT
from tests.mailbox import Mailbox
from tests.provider_sandbox import Sandbox

EXAMPLES = CHECKOUT / "app/blueprints/api/examples.json"


def perform(play: Play, patch: pytest.MonkeyPatch) -> None:
    """Exchange everything that the document shows."""
    refusals.report_health(play)
    ada = accounts.open_account(play)
    accounts.refuse_without_policies(play)
    accounts.sign_in_and_out(play)
    accounts.sign_in_as_guest(play)
    accounts.use_second_factor(play)
    shopping.browse(play, ada)
    profile.keep_profile(play, ada, patch)
    profile.verify(play, ada, patch)
    places.list_branches(play, ada)
    shopping.lock_prices(play, ada)
    shopping.fill_cart(play, ada, patch)
    money.pay_in(play, ada)
    money.trade(play, ada)
    money.refuse_payments(play, ada)
    money.pay_out(play, ada)
    money.store_metal(play)
    money.owe(play)
    money.pay_a_listed_wallet(play)
    profile.decide_on_data(play, ada)
    profile.erase_account(ada)
    accounts.refuse_a_suspended_person(play)
    accounts.sign_in_staff(play)
    refusals.refuse_any_request(ada)
    refusals.refuse_invalid_input(ada, goods.PATHS, others=True)
    goods.show_inventory(play)
    buying.buy_goods(play)
    reviewing.review_orders(play)
    refunding.refund_orders(play)
    changing.change_orders(play)
    returning.return_goods(play)
    supporting.support_customers(play)
    redeeming.redeem_metal(play, patch)
    ada.token = ada.plain().sign_in()["accessToken"]
    refusals.fail(play, ada, patch)


def test_examples_are_the_answers_of_today(
    lone_app: Flask, sandbox: Sandbox, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with playing(lone_app, sandbox, mailbox) as play:
        perform(play, monkeypatch)
    snapshot.check(EXAMPLES, play.recorder.lines())
