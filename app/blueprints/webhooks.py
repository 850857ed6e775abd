"""What providers tell us: verified, stored, staged, and never acted upon here.

Whoever sends a provider's webhook shows it by a signature over the raw body; nobody signs in.
"""

from flask import Blueprint, Response, current_app, request

from app.blueprints.rate_limits import RateLimit
from app.kit.db import Database
from app.kit.errors import NotFound
from app.kit.ports import resolve
from app.providers import service as providers
from app.providers.ports import WebhookDelivery, WebhookVerifiers

blp = Blueprint("webhooks", __name__, url_prefix="/webhooks")


@blp.post("/<provider>")
def receive(provider: str) -> Response:
    """Take a webhook: 204 once it is stored, or was before; 403 unless its provider signed it."""
    verifier = resolve(WebhookVerifiers).get(provider)
    if verifier is None:
        raise NotFound
    headers = {name.lower(): value for name, value in request.headers.items()}
    delivery = WebhookDelivery(request.url, headers, request.get_data(cache=False))
    events = verifier.verify(delivery)
    database: Database = current_app.extensions["database"]
    with database.transaction() as session:
        providers.store_events(session, provider, delivery, events)
    return Response(status=204)


receive.__dict__.update(rate_limit=RateLimit.WEBHOOK)
