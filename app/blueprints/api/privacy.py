"""Consents, data exports and erasure of accounts.

An API key can do none of it.
"""

from typing import Any

from app.access import Actor, Permission
from app.audit.actions import AuditAction
from app.blueprints.api.schemas import privacy as schemas_privacy
from app.blueprints.api_blueprint import ApiBlueprint
from app.blueprints.api_operation import FileReply
from app.blueprints.rate_limits import RateLimit, client_network
from app.identity.errors import (
    AccountSuspended,
    InvalidCredentials,
    TwoFactorInvalid,
    TwoFactorRequired,
)
from app.identity.sign_in import password_proof
from app.kit import ids
from app.kit.db import Database, Session
from app.privacy import consents, erasure, exports
from app.privacy.errors import ConsentRequired, ErasureRefused, PolicyOutdated

_ZIP = "application/zip"

blp = ApiBlueprint("privacy", "/api/me", "Consents, data exports and erasure")


@blp.operation(
    "GET",
    "/consents",
    operation_id="privacyListConsents",
    permission=Permission.CONSENTS_MANAGE,
    response_schema=schemas_privacy.ConsentsSchema,
)
def list_consents(session: Session, actor: Actor) -> object:
    """List the consents to each policy.

    The state `to_be_accepted` marks a required policy whose current version is not accepted yet.
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
    """Accept the current version of a policy, or withdraw a consent.

    Every decision is kept with its time. Repeating the present decision adds none.
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
    """Request a data export.

    It holds all data on the caller. Allowed five times a day. An email says when it is ready. While
    an export is being made, it is returned instead of a new one.
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
    """Show a data export, with its download link while it is ready (24 hours)."""
    return exports.get_export(session, actor, ids.decode(exports.PREFIX, export_id))


@blp.operation(
    "GET",
    "/export/<export_id>/archive",
    operation_id="privacyFetchArchive",
    permission=Permission.EXPORTS_MANAGE,
    query_schema=schemas_privacy.ArchiveQuerySchema,
    file_media_types=(_ZIP,),
    # The download is recorded before it begins, and takes longer than any transaction.
    own_transactions=True,
)
def download_archive(
    database: Database, actor: Actor, query: dict[str, Any], export_id: str
) -> object:
    """Download a data export by its signed link.

    It is a zip archive with a JSON file for each part and an overview page. The link works for its
    owner only, until it expires.
    """
    identifier = ids.decode(exports.PREFIX, export_id)
    archive = exports.fetch_archive(database, actor, identifier, query["token"])
    return FileReply(archive.parts, f"pbcex-{export_id}.zip", _ZIP, size=archive.size_bytes)


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
    """Erase the account, at once and permanently.

    Requires the password, and a code if a second factor is on. Refused while anything is open:
    `errors` lists each item. The response and a final email list the records that the law requires
    us to keep, with date and reason.
    """
    with database.reading() as session:
        attempt = password_proof.begin_own_attempt(session, actor, network=client_network())
    attempt = password_proof.check_password(attempt, body["password"])
    with database.transaction() as session:
        # Staff are not erased.
        password_proof.conclude_password_and_code(
            session,
            attempt,
            body["code"],
            AuditAction.PERSON_ERASED,
            staff_need_second_factor=False,
        )
        return erasure.erase_own_account(session, actor)
