"""What customers submit: their identity, and their company."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.access import Actor
from app.identity.accounts import queries as account_queries
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.postal_addresses import PostalAddress
from app.kyc import queries, rules
from app.kyc.errors import VerificationOpen
from app.kyc.queries import VerificationRow
from app.kyc.review import automatic_decisions, transitions
from app.kyc.rules import (
    AWAITING_DECISION,
    OPEN_STATUSES,
    REJECTING_FLAGS,
    ReviewFlag,
    VerificationKind,
    VerificationStatus,
)
from app.kyc.submission import (
    applicant_details,
    jurisdictions,
    pace,
    same_person,
    sanctions_check,
)
from app.kyc.submission.applicant_details import CompanyDetails, PersonDetails
from app.outbox import service as outbox

_TABLE, _DETAILS = "verifications", "details_sealed"
_ADD_OWNER = """
INSERT INTO beneficial_owners (id, verification_id, details_sealed, share_bps, controls)
VALUES (%s, %s, %s, %s, %s)
"""


def submit(session: Session, actor: Actor, payload: Mapping[str, Any]) -> VerificationRow:
    """Submit the actor's identity, and stage its verification by the provider.

    Gives tier 1 at once, unless a sanctions list may name the person or another person submitted
    the same ID number: then staff review first. Accounts with the same name and birth date, or the
    same address, and a residence that needs a review, open a case. An earlier approval stays valid
    until this is decided. Raises `Invalid` naming the field, `VerificationOpen`, and `RateLimited`.
    """
    person = applicant_details.parse_person(payload, clock.now().date())
    _replace_open_submission(session, actor, VerificationKind.IDENTITY)
    verification_id, indexes = ids.new(), same_person.index_details(person)
    flags = set()
    if same_person.has_same_id_number(session, actor.user_id, indexes):
        flags.add(ReviewFlag.DUPLICATE)
    if sanctions_flag := sanctions_check.check_sanctions(
        session, verification_id, actor.user_id, person
    ):
        flags.add(sanctions_flag)
    if residence_flag := jurisdictions.find_flag(person):
        flags.add(residence_flag)
    verification = transitions.create_verification(
        session,
        actor,
        verification_id=verification_id,
        user_id=actor.user_id,
        kind=VerificationKind.IDENTITY,
        status=VerificationStatus.IN_REVIEW if flags else VerificationStatus.PENDING,
        tier=rules.TIER_NONE if flags else rules.TIER_BASIC,
        details_sealed=_seal_details(person, verification_id),
        id_number_index=indexes.id_number,
        person_index=indexes.person,
        address_index=indexes.address,
        flags=flags,
    )
    same_person.report_matches(session, actor.user_id, verification.public_id, indexes)
    if residence_flag:
        jurisdictions.report(session, actor.user_id, verification.public_id, residence_flag, person)
    if flags & REJECTING_FLAGS:
        return automatic_decisions.decide_automatically(session, verification)
    outbox.stage(session, "kyc.verify", {"verification_id": str(verification_id)})
    return verification


def submit_business(session: Session, actor: Actor, payload: Mapping[str, Any]) -> VerificationRow:
    """Submit a company that the actor represents, with its owners. Staff decide.

    Raises `Invalid` naming the field, `VerificationOpen`, and `RateLimited`.
    """
    company = applicant_details.parse_company(payload, clock.now().date())
    _replace_open_submission(session, actor, VerificationKind.BUSINESS)
    verification_id = ids.new()
    sanctions_flag = sanctions_check.check_sanctions(
        session, verification_id, actor.user_id, company
    )
    residence_flag = jurisdictions.find_flag(company)
    verification = transitions.create_verification(
        session,
        actor,
        verification_id=verification_id,
        user_id=actor.user_id,
        kind=VerificationKind.BUSINESS,
        status=VerificationStatus.IN_REVIEW,
        tier=rules.TIER_NONE,
        details_sealed=_seal_details(company, verification_id),
        flags={flag for flag in (sanctions_flag, residence_flag) if flag},
    )
    if residence_flag:
        jurisdictions.report(
            session, actor.user_id, verification.public_id, residence_flag, company
        )
    for owner in company.owners:
        owner_id = ids.new()
        sealed = keys.seal(
            owner.to_json(), table="beneficial_owners", column=_DETAILS, key=owner_id
        )
        session.send(
            _ADD_OWNER, (owner_id, verification_id, sealed, owner.share_bps, owner.controls)
        )
    return automatic_decisions.decide_automatically(session, verification)


def grant_tier_3(session: Session, user_id: UUID, *, note: str) -> None:
    """Give a person tier 3 without evidence, if they do not have it.

    Used from the command line and by tests, never in production.
    """
    if queries.tier_status(session, user_id).tier == rules.TIER_ENHANCED:
        return
    account = account_queries.get_person(session, user_id)
    transitions.supersede(
        session,
        [
            verification
            for verification in transitions.lock_verifications_of(session, user_id)
            if verification.kind is not VerificationKind.BUSINESS
        ],
    )
    person = PersonDetails(
        account.first_name,
        account.last_name,
        clock.now().date() - timedelta(days=40 * 365),
        PostalAddress("US", "1 Sample Street", city="Reno", state="NV", zip_code="89501"),
    )
    verification_id = ids.new()
    created = transitions.create_verification(
        session,
        None,
        verification_id=verification_id,
        user_id=user_id,
        kind=VerificationKind.IDENTITY,
        status=VerificationStatus.PENDING,
        tier=rules.TIER_BASIC,
        details_sealed=_seal_details(person, verification_id),
    )
    attribution = transitions.Attribution(note=note)
    transitions.change_status(
        session,
        created,
        VerificationStatus.APPROVED,
        tier=rules.TIER_ENHANCED,
        attribution=attribution,
    )


def _replace_open_submission(session: Session, actor: Actor, kind: VerificationKind) -> None:
    """Supersede the open submission of this kind that waits only for the customer."""
    verifications = [
        verification
        for verification in transitions.lock_verifications_of(session, actor.user_id)
        if verification.kind is kind
    ]
    if any(verification.status in AWAITING_DECISION for verification in verifications):
        raise VerificationOpen
    pace.check_submission(session, actor.user_id, kind)
    open_verifications = [
        verification for verification in verifications if verification.status in OPEN_STATUSES
    ]
    transitions.supersede(session, open_verifications, transitions.Attribution(actor))


def _seal_details(details: PersonDetails | CompanyDetails, verification_id: UUID) -> bytes:
    return keys.seal(details.to_json(), table=_TABLE, column=_DETAILS, key=verification_id)
