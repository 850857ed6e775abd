"""The inbox over the API."""

from uuid import UUID, uuid4

import pytest

from app.kit import ids
from app.messages import service as messages

PASSWORD = "correct horse"
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


class InboxReader:
    """A registered person who reads their inbox."""

    def __init__(self, app, database):
        self.client = app.test_client()
        digits = uuid4().hex[:16]
        address = ":".join(digits[at : at + 4] for at in range(0, 16, 4)) + "::1"
        self.client.environ_base["REMOTE_ADDR"] = address
        self.database = database
        registered = self.client.post(
            "/api/auth/register",
            json={
                "email": f"{uuid4().hex}@example.com",
                "password": PASSWORD,
                "firstName": "Ada",
                "lastName": "Lovelace",
            },
        ).json
        self.user_id: UUID = ids.decode("usr", registered["user"]["id"])
        self.headers = {"Authorization": f"Bearer {registered['accessToken']}"}

    def receive_confirmation(self, order: str) -> None:
        with self.database.transaction() as session:
            messages.deliver_to_inbox(
                session,
                user_id=self.user_id,
                event_key=f"trade_confirmed:{order}",
                kind="trade_confirmed",
                values=VALUES | {"order": order},
            )

    def get(self, query: str = ""):
        return self.client.get(f"/api/messages{query}", headers=self.headers)


@pytest.fixture
def reader(app, database):
    return InboxReader(app, database)


def test_inbox_is_paged_newest_first(reader):
    for number in range(3):
        reader.receive_confirmation(f"trd_{number}")
    first = reader.get("?limit=2").json
    second = reader.get(f"?limit=2&cursor={first['nextCursor']}").json
    assert [message["body"][:11] for message in first["data"] + second["data"]] == [
        "Order trd_2",
        "Order trd_1",
        "Order trd_0",
    ]
    assert second["nextCursor"] is None


def test_message_has_the_documented_fields(reader):
    reader.receive_confirmation("trd_0")
    [message] = reader.get().json["data"]
    assert set(message) == {"id", "kind", "subject", "body", "createdAt", "readAt"}
    assert message["id"].startswith("msg_")
    assert message["kind"] == "trade_confirmed"
    assert message["subject"] == "You converted 100.00 USD to 0.024875 XAU-s"
    assert message["createdAt"].endswith("Z")
    assert message["readAt"] is None


def test_inbox_holds_no_messages_of_others(app, database, reader):
    reader.receive_confirmation("trd_0")
    assert InboxReader(app, database).get().json == {"data": [], "nextCursor": None}


def test_inbox_refuses_an_unknown_cursor(reader):
    response = reader.get("?cursor=nonsense")
    assert response.status_code == 422
    assert response.json["errors"] == [
        {
            "field": "cursor",
            "message": "Send the nextCursor of an earlier response, unchanged.",
        }
    ]


def test_inbox_is_refused_without_a_token(reader):
    assert reader.client.get("/api/messages").status_code == 401
