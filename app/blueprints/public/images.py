"""Images of products, under addresses whose content never changes."""

from flask import Response, request

from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rate_limits import RateLimit
from app.blueprints.rendering import IMMUTABLE
from app.kit.db import Database
from app.kit.errors import NotFound
from app.shop.images import queries
from app.shop.images.rules import ENDINGS

blp = PageBlueprint("images", "/images")

#: An image is displayed, and nothing in it loads or runs.
_CSP = "default-src 'none'; sandbox"
_MEDIA_TYPES = {ending: media_type for media_type, ending in ENDINGS.items()}


@blp.view("GET", "/<name>", public=True, rate_limit=RateLimit.IMAGE)
def show(database: Database, name: str) -> Response:
    """Send an image in one size."""
    digest, _, ending = name.partition(".")
    if ending not in _MEDIA_TYPES:
        raise NotFound
    with database.reading() as session:
        image = queries.get_content(session, digest, _MEDIA_TYPES[ending])
    response = Response(image.content, content_type=image.media_type)
    response.headers["Cache-Control"] = IMMUTABLE
    response.headers["Content-Security-Policy"] = _CSP
    response.set_etag(digest)
    response.make_conditional(request)
    return response
