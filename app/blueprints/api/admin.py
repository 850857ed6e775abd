"""What the people who run the house need to know of it."""

from app.access import Actor, Permission
from app.blueprints.api.schemas import admin as schemas_admin
from app.blueprints.api_blueprint import ApiBlueprint
from app.hedging import queries as hedging_queries
from app.hedging.rules import ExposureRules
from app.kit.db import Session
from app.kit.ports import resolve

blp = ApiBlueprint("admin", "/api/admin", "Running the house")


@blp.operation(
    "GET",
    "/exposure",
    operation_id="adminExposure",
    permission=Permission.EXPOSURE_READ,
    response_schema=schemas_admin.ExposureSchema,
    snapshot=True,
)
def show_exposure(session: Session, _actor: Actor) -> object:
    """What the house owes in each metal against what it holds, in troy ounces.

    All figures are of one moment.
    """
    return hedging_queries.current_exposure(session, resolve(ExposureRules))
