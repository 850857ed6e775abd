"""Figures for the administration of PBCEx."""

from app.access import Actor, Permission
from app.blueprints.api.schemas import admin as schemas_admin
from app.blueprints.api_blueprint import ApiBlueprint
from app.hedging import queries as hedging_queries
from app.kit.db import Session

blp = ApiBlueprint("admin", "/api/admin", "Administration")


@blp.operation(
    "GET",
    "/exposure",
    operation_id="adminExposure",
    permission=Permission.EXPOSURE_READ,
    response_schema=schemas_admin.ExposureSchema,
    snapshot=True,
)
def show_exposure(session: Session, _actor: Actor) -> object:
    """Show the exposure in each metal, in troy ounces.

    The exposure is what PBCEx holds less what it owes. All figures are of one moment.
    """
    return hedging_queries.current_exposure(session)
