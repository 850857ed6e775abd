"""Webhooks of providers: verified, stored and staged, never acted upon here.

A provider authenticates by a signature over the raw body; there is no sign-in.
"""

from flask import Blueprint, Response, current_app, request

from app.blueprints.rate_limits import RateLimit, counted_as
from app.kit.db import Database
from app.kit.errors import NotFound
from app.kit.ports import resolve
from app.providers import service as providers
from app.providers.ports import WebhookDelivery, WebhookVerifiers

#: Providers put many events into one webhook, SendGrid hundreds; refused, it comes again and again.
BODY_BYTES_MAX = 2 * 1024 * 1024

blp = Blueprint("webhooks", __name__, url_prefix="/webhooks")


@blp.post("/<provider>")
@counted_as(RateLimit.WEBHOOK)
def receive(provider: str) -> Response:
    """Store a webhook and respond with 204, also if it was stored before; 403 without a valid
    signature of the provider."""
    verifier = resolve(WebhookVerifiers).get(provider)
    if verifier is None:
        raise NotFound
    request.max_content_length = BODY_BYTES_MAX
    headers = {name.lower(): value for name, value in request.headers.items()}
    delivery = WebhookDelivery(request.url, headers, request.get_data(cache=False))
    events = verifier.verify(delivery)
    database: Database = current_app.extensions["database"]
    with database.transaction() as session:
        providers.store_events(session, provider, delivery, events)
    return Response(status=204)
