"""What people agreed to, a copy of what is held on them, and being forgotten.

A program with an API key does none of it.
"""

from typing import Any

from app.access import Actor, Permission
from app.blueprints.api.schemas import privacy as schemas_privacy
from app.blueprints.api_blueprint import ApiBlueprint, FileReply
from app.blueprints.rate_limits import RateLimit, client_network
from app.identity.credentials import password_change
from app.identity.errors import (
    AccountSuspended,
    InvalidCredentials,
    TwoFactorInvalid,
    TwoFactorRequired,
)
from app.identity.sign_in import password_proof
from app.kit import ids
from app.kit.db import Database, Session
from app.kit.errors import Refusal
from app.privacy import consents, erasure, exports
from app.privacy.errors import ConsentRequired, ErasureRefused, PolicyOutdated

_ZIP = "application/zip"

blp = ApiBlueprint("privacy", "/api/me", "Consents, a copy of one's data, and being erased")


@blp.operation(
    "GET",
    "/consents",
    operation_id="privacyListConsents",
    permission=Permission.CONSENTS_MANAGE,
    response_schema=schemas_privacy.ConsentsSchema,
)
def list_consents(session: Session, actor: Actor) -> object:
    """How the caller stands to each policy.

    `to_be_accepted`: it is required, and the caller has not agreed to its current version.
    """
    return {"data": consents.list_consents(session, actor.user_id)}


@blp.operation(
    "POST",
    "/consents",
    operation_id="privacyDecide",
    permission=Permission.CONSENTS_MANAGE,
    body_schema=schemas_privacy.DecideSchema,
    response_schema=schemas_privacy.ConsentSchema,
    refusals=(PolicyOutdated, ConsentRequired),
)
def decide_consent(session: Session, actor: Actor, body: dict[str, Any]) -> object:
    """Agree to the current version of a policy, or take one's consent back.

    Every decision is kept, with its moment. One that stands already is not kept twice.
    """
    return consents.record_decision(session, actor, **body)


@blp.operation(
    "POST",
    "/export",
    operation_id="privacyAskForExport",
    permission=Permission.EXPORTS_MANAGE,
    response_schema=schemas_privacy.ExportSchema,
    status=202,
)
def request_export(session: Session, actor: Actor) -> object:
    """Ask for a copy of everything that is held on the caller, five times a day at most.

    A mail says when it is ready. While one is being made, that one is answered.
    """
    return exports.request_export(session, actor)


@blp.operation(
    "GET",
    "/export/<export_id>",
    operation_id="privacyShowExport",
    permission=Permission.EXPORTS_MANAGE,
    response_schema=schemas_privacy.ExportSchema,
)
def show_export(session: Session, actor: Actor, export_id: str) -> object:
    """How far a copy is, and where it is fetched while it is ready: for 24 hours."""
    return exports.get_export(session, actor, ids.decode(exports.PREFIX, export_id))


@blp.operation(
    "GET",
    "/export/<export_id>/archive",
    operation_id="privacyFetchArchive",
    permission=Permission.EXPORTS_MANAGE,
    query_schema=schemas_privacy.ArchiveQuerySchema,
    file_media_types=(_ZIP,),
    # That it was fetched is recorded.
    writes=True,
)
def download_archive(
    session: Session, actor: Actor, query: dict[str, Any], export_id: str
) -> object:
    """Fetch the copy by its signed link: a zip with a JSON file for each part, and a page that
    says what is where.

    The link works for the person whose copy it is, until it expires.
    """
    identifier = ids.decode(exports.PREFIX, export_id)
    content = exports.fetch_archive(session, actor, identifier, query["token"])
    return FileReply(content, f"pbcex-{export_id}.zip", _ZIP)


@blp.operation(
    "POST",
    "/erasure",
    operation_id="privacyErase",
    permission=Permission.ACCOUNT_ERASE,
    body_schema=schemas_privacy.EraseSchema,
    response_schema=schemas_privacy.ErasedSchema,
    rate_limit=RateLimit.SIGN_IN,
    refusals=(
        InvalidCredentials,
        TwoFactorRequired,
        TwoFactorInvalid,
        AccountSuspended,
        ErasureRefused,
    ),
    own_transactions=True,
)
def erase_account(database: Database, actor: Actor, body: dict[str, Any]) -> object:
    """Be forgotten, at once and for good.

    Takes the password again, and a code from whoever has a second factor. Refused while anything is
    open: `errors` names each thing. What the law keeps is answered, with its date and reason, and
    told in a last mail.
    """
    with database.reading() as session:
        attempt = password_change.begin_password_change(session, actor, network=client_network())
    attempt = password_proof.check_password(attempt, body["password"])
    with database.transaction() as session:
        settled = password_proof.conclude_password_and_code(
            session, attempt, body["code"], "person.erased"
        )
        if isinstance(settled, Refusal):
            return settled
        return erasure.erase_own_account(session, actor)
