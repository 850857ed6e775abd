"""The home of the support desk."""

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.page_blueprint import PageBlueprint, see_other
from app.kit.db import Session

blp = PageBlueprint("support", "/support")


@blp.view("GET", "/", permission=Permission.KYC_READ)
def home(_session: Session, _actor: Actor) -> Response:
    """Redirect to the first page of the desk."""
    return see_other(url_for("support_kyc_pages.list_verifications"))
