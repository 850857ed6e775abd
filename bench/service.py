"""One process of the `service` benchmark: orders without HTTP, as fast as possible.

bench.benchmarks runs it as `python -m bench.service SECONDS CUSTOMER…`; it prints the number of
orders.
"""

import sys
import time
from uuid import UUID, uuid4

from app.access import DEFAULT_PERMISSIONS, Actor, Role
from app.catalog.rules import USD, XAU
from app.factory import create_app
from app.idempotency import service as idempotency
from app.kit.money import Amount
from app.trading import service as trading
from app.trading.service import RequestedConversion
from bench.market_setup import database_of

FINGERPRINT = bytes(32)
RESPONSE = idempotency.StoredResponse(201, "application/json", b"{}" * 140)
WISH = RequestedConversion(USD, XAU, Amount(USD, 1000), None)


def main() -> None:
    """Place market orders for the customers in turn, each with a key and a stored response."""
    seconds, people = float(sys.argv[1]), [UUID(text) for text in sys.argv[2:]]
    database = database_of(create_app())
    permissions = DEFAULT_PERMISSIONS[Role.USER]
    actors = [
        Actor(user, None, "", Role.USER, permissions, email_confirmed=True) for user in people
    ]
    print("ready", flush=True)
    sys.stdin.readline()
    # As the route does.
    ahead = [trading.read_of_prices(WISH.from_asset, WISH.to_asset)]
    placed = 0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        actor = actors[placed % len(actors)]
        attempt = idempotency.IdempotentRequest(actor.user_id, uuid4().hex, FINGERPRINT)
        with database.transaction() as session:
            # The edge authenticates in the same round trip; reading one row simulates that.
            first = ("SELECT status FROM users WHERE id = %s", (actor.user_id,))
            idempotency.claim_key(session, attempt, first, ahead)
            trading.convert_at_market(session, actor, WISH)
            idempotency.store_response(session, attempt, RESPONSE)
        placed += 1
    print(placed, flush=True)


if __name__ == "__main__":
    main()
