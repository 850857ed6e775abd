from uuid import UUID, uuid4

import jinja2
import pytest

from app.kit import pagination
from app.messages import queries as messages_queries
from app.messages import rendering
from app.messages import service as messages

VALUES = {
    "order": "trd_01",
    "executed_at": "2026-11-22T10:00:00.000Z",
    "from_amount": "100.00",
    "from_asset": "USD",
    "to_amount": "0.02487500",
    "to_asset": "XAU-s",
    "price": "4000.00",
    "fee_amount": "0.50",
    "fee_asset": "USD",
}


def deliver(session, user_id: UUID, event_key: str, values=VALUES):
    messages.deliver_to_inbox(
        session, user_id=user_id, event_key=event_key, kind="trade_confirmed", values=values
    )


@pytest.fixture
def user_id():
    return uuid4()


def inbox(database, user_id, limit=10, before=None):
    with database.reading() as session:
        return messages_queries.list_messages(session, user_id, limit, before)


class TestDeliver:
    def test_message_is_rendered_into_the_inbox(self, database, user_id):
        with database.transaction() as session:
            deliver(session, user_id, "trade_confirmed:trd_01")
        [message] = inbox(database, user_id).data
        assert message.subject == "You converted 100.00 USD to 0.024875 XAU-s"
        assert message.body == (
            "Order trd_01 was filled on 22 Nov 2026, 10:00 UTC.\n\n"
            "You paid      100.00 USD\n"
            "You received  0.024875 XAU-s\n"
            "Price         4,000.00 USD an ounce\n"
            "Fee           0.50 USD, included above"
        )
        assert message.read_at is None

    def test_repeated_event_makes_one_message(self, database, user_id):
        for _ in range(2):
            with database.transaction() as session:
                deliver(session, user_id, "trade_confirmed:trd_01")
        assert len(inbox(database, user_id).data) == 1

    def test_each_person_gets_their_own_message(self, database, user_id):
        other = uuid4()
        with database.transaction() as session:
            deliver(session, user_id, "trade_confirmed:trd_01")
            deliver(session, other, "trade_confirmed:trd_01")
        assert len(inbox(database, user_id).data) == len(inbox(database, other).data) == 1

    def test_missing_value_is_refused_and_stores_nothing(self, database, user_id):
        values = {name: value for name, value in VALUES.items() if name != "price"}
        with pytest.raises(jinja2.UndefinedError, match="price"), database.transaction() as session:
            deliver(session, user_id, "trade_confirmed:trd_01", values)
        assert inbox(database, user_id).data == []

    def test_unknown_kind_is_refused(self, database, user_id):
        with pytest.raises(LookupError), database.transaction() as session:
            messages.deliver_to_inbox(
                session, user_id=user_id, event_key="x", kind="../x", values={}
            )
        assert inbox(database, user_id).data == []

    def test_subject_is_always_one_line(self):
        text = rendering.render_inbox(
            "kyc_more_needed", {"about": "you\r\nBcc: all@example.com", "reasons": "A photo."}
        )
        assert "\n" not in text.subject
        assert "\r" not in text.subject


def test_pages_list_messages_newest_first_without_gap_or_repetition(database, user_id):
    for number in range(5):
        with database.transaction() as session:
            deliver(session, user_id, f"trade_confirmed:{number}", VALUES | {"order": str(number)})
    orders, before = [], None
    for _ in range(3):
        page = inbox(database, user_id, 2, before)
        orders += [message.body[6] for message in page.data]
        before = pagination.decode_cursor(page.next_cursor) if page.next_cursor else None
    assert orders == ["4", "3", "2", "1", "0"]
    assert before is None
