"""The hash, the transitions and the reason of approval requests."""

from hashlib import sha256

import pytest

from app.approvals import rules as approvals_rules
from app.approvals.queries import RequestField
from app.approvals.rules import TRANSITIONS, ApprovalStatus
from app.kit.errors import Invalid
from app.kit.states import UndeclaredTransition

REQUEST = {
    "action": "person.suspend",
    "subject": "usr_x",
    "payload": {"person": "usr_x"},
    "before": {"status": "active", "person": "ada@example.com"},
    "after": {"status": "suspended", "person": "ada@example.com"},
}


def test_hash_covers_canonical_json() -> None:
    text = (
        '{"action":"person.suspend","after":{"person":"ada@example.com","status":"suspended"},'
        '"before":{"person":"ada@example.com","status":"active"},"payload":{"person":"usr_x"},'
        '"subject":"usr_x"}'
    )
    assert approvals_rules.digest(**REQUEST) == sha256(text.encode()).digest()
    reordered = {**REQUEST, "before": dict(reversed(REQUEST["before"].items()))}
    assert approvals_rules.digest(**reordered) == approvals_rules.digest(**REQUEST)


@pytest.mark.parametrize("part", ["action", "subject", "payload", "before", "after"])
def test_hash_covers_every_part(part: str) -> None:
    other = "other" if isinstance(REQUEST[part], str) else {"person": "usr_y"}
    assert approvals_rules.digest(**{**REQUEST, part: other}) != approvals_rules.digest(**REQUEST)


def test_hash_differs_when_text_moves_between_fields() -> None:
    moved = {**REQUEST, "payload": {"person": 'usr_x","z":"1'}}
    split = {**REQUEST, "payload": {"person": "usr_x", "z": "1"}}
    assert approvals_rules.digest(**moved) != approvals_rules.digest(**split)


@pytest.mark.parametrize("old", list(ApprovalStatus))
@pytest.mark.parametrize("new", list(ApprovalStatus))
def test_only_pending_requests_change_status(old: ApprovalStatus, new: ApprovalStatus) -> None:
    if old is ApprovalStatus.PENDING and new is not ApprovalStatus.PENDING:
        assert TRANSITIONS.transition(old, new) is new
        assert TRANSITIONS.is_final(new)
    else:
        with pytest.raises(UndeclaredTransition):
            TRANSITIONS.transition(old, new)


@pytest.mark.parametrize(
    "text", ["", "four", "   a   ", "x" * 501, "with a \x00 zero", "\ud800abcd"]
)
def test_reason_of_invalid_length_or_characters_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        approvals_rules.clean_reason(text)


def test_reason_is_stored_on_one_line() -> None:
    assert approvals_rules.clean_reason("  lost\n his   card ") == "lost his card"


def test_field_of_a_request_is_named_as_people_write_it() -> None:
    labels = [
        RequestField(name, None, "x").label
        for name in ("sku", "supplier_reference", "reorder_below", "units", "AU-EAGLE-1OZ")
    ]
    assert labels == ["SKU", "Supplier reference", "Reorder below", "Units", "AU-EAGLE-1OZ"]
