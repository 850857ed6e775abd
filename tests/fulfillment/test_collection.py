"""Goods that are collected: handed over once, against the code that was sent, at their branch."""

from dataclasses import replace

import pytest

from app.access import Actor, Role
from app.fulfillment.collection import service as collection
from app.fulfillment.collection.codes import FAILURES_MAX
from app.fulfillment.collection.errors import CollectionCodeBlocked, CollectionCodeWrong
from app.fulfillment.shipments import queries
from app.fulfillment.shipments.errors import ShipmentMovedOn
from app.fulfillment.shipments.queries import ShipmentRow
from app.kit.errors import NotFound
from app.tax.assessment import Delivery
from tests.fulfillment.dispatch import Dispatch
from tests.mailbox import run_pending_jobs, use_mailbox


@pytest.fixture
def ready(dispatch: Dispatch) -> ShipmentRow:
    """Goods that are packed and wait at the branch."""
    order = dispatch.order(
        dispatch.stall.coins(),
        delivery=Delivery.PICKUP,
        pickup_branch_id=dispatch.stall.branch_id,
    )
    shipment = dispatch.shipment(order)
    with pytest.raises(ShipmentMovedOn):
        dispatch.step(shipment.id, "shipped")
    dispatch.advance(shipment.id, "packed")
    with pytest.raises(ShipmentMovedOn):
        dispatch.step(shipment.id, "shipped")
    return shipment


@pytest.fixture
def teller(dispatch: Dispatch) -> Actor:
    return dispatch.stall.people.staff(Role.TELLER, dispatch.stall.branch_id)


def hand_over(dispatch: Dispatch, teller: Actor, shipment: ShipmentRow, code: str) -> None:
    with dispatch.database.transaction() as session:
        collection.hand_over(session, teller, shipment.id, code=code, document="passport")
    dispatch.settle()


def test_customer_gets_the_goods_once_against_the_code_in_the_email(
    dispatch: Dispatch, ready: ShipmentRow, teller: Actor
) -> None:
    code = dispatch.code_of(ready.id)
    with use_mailbox() as mailbox:
        run_pending_jobs(dispatch.database, "messages.send_mail")
    [mail] = [mail for mail in mailbox.sent if code in mail.text]
    assert "ready to be collected" in mail.subject
    hand_over(dispatch, teller, ready, f" {code[:4]} {code[4:]} ")
    with pytest.raises(ShipmentMovedOn):
        hand_over(dispatch, teller, ready, code)
    assert dispatch.step_evidence(ready.id)[-1] == (
        "Handed over against the code and a document: passport"
    )
    dispatch.verify()


def test_wrong_codes_are_counted_until_only_a_new_code_works(
    dispatch: Dispatch, ready: ShipmentRow, teller: Actor
) -> None:
    first = dispatch.code_of(ready.id)
    wrong = f"{(int(first) + 1) % 10**8:08}"
    for _ in range(FAILURES_MAX):
        with pytest.raises(CollectionCodeWrong):
            hand_over(dispatch, teller, ready, wrong)
    with pytest.raises(CollectionCodeBlocked):
        hand_over(dispatch, teller, ready, first)
    with dispatch.database.transaction() as session:
        collection.send_new_code(session, teller, ready.id)
    with pytest.raises(CollectionCodeWrong):
        hand_over(dispatch, teller, ready, first)
    hand_over(dispatch, teller, ready, dispatch.code_of(ready.id))


def test_teller_of_another_branch_hands_nothing_over(
    dispatch: Dispatch, ready: ShipmentRow, teller: Actor
) -> None:
    elsewhere = replace(teller, branch_id=dispatch.stall.people.branch())
    with pytest.raises(NotFound):
        hand_over(dispatch, elsewhere, ready, dispatch.code_of(ready.id))
    with dispatch.database.reading() as session:
        number = str(ready.number)
        assert queries.find_waiting(session, elsewhere, number) is None
        assert queries.find_waiting(session, teller, number) is not None
