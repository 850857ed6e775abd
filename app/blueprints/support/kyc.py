"""Verification: what waits to be decided, one submission with its documents, and the decision."""

from collections.abc import Callable
from uuid import UUID

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.approvals import queries as approvals_queries
from app.blueprints.page_blueprint import PageBlueprint, cursor_asked, said_at_form, see_other
from app.blueprints.rendering import page
from app.identity import people
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid, NotFound
from app.kyc import content, details, documents, review
from app.kyc import queries as kyc_queries
from app.kyc import rules as kyc_rules
from app.kyc.queries import Verification
from app.kyc.rules import REASON_TEXTS, Kind, Status

blp = PageBlueprint("support_kyc", "/support/kyc")

_TEXT_LENGTH_MAX = 320
_STATUSES = (
    ("in_review", "In review"),
    ("pending", "With the provider"),
    ("more_needed", "More needed"),
    ("approved", "Approved"),
    ("rejected", "Rejected"),
    ("expired", "Expired"),
    ("", "Every status"),
)
_KINDS = (
    ("", "Every kind"),
    ("identity", "Identity"),
    ("enhanced", "Tier 3"),
    ("business", "Company"),
)
KIND_NAMES = dict(_KINDS[1:])
_REASONS = [("", "Choose …"), *((each.value, text) for each, text in REASON_TEXTS.items())]
#: A picture of somebody's passport is shown, and nothing else is done with it.
_ONLY_SHOWN = "default-src 'none'; frame-ancestors 'none'"
#: In a sandbox browsers show no PDF at all; their own viewer is one.
_SANDBOX = "; sandbox"
_SEEN = (
    ("passport", "Passport"),
    ("driving licence", "Driving licence"),
    ("identity card", "Identity card"),
)


@blp.view("GET", "", permission=Permission.KYC_READ)
def queue(session: Session, _actor: Actor) -> Response:
    """Verifications by status and kind, those in review first of all; the oldest come first."""
    cursor = cursor_asked()
    typed = {
        "q": request.args.get("q", "")[:_TEXT_LENGTH_MAX],
        "status": request.args.get("status", Status.IN_REVIEW.value),
        "kind": request.args.get("kind", ""),
    }
    found = kyc_queries.queue(
        session,
        person_id=_person(session, typed["q"]),
        asked_for_person=bool(typed["q"].strip()),
        status=Status(typed["status"]) if typed["status"] in set(Status) else None,
        kind=Kind(typed["kind"]) if typed["kind"] in set(Kind) else None,
        cursor=cursor,
    )
    return page(
        "support/kyc/index.html",
        "support/kyc/_queue.html",
        found=found,
        typed=typed,
        statuses=_STATUSES,
        kinds=_KINDS,
        kind_names=KIND_NAMES,
        further=cursor is not None,
        names=people.names(session, [each.user_id for each in found.data]),
    )


def _person(session: Session, text: str) -> UUID | None:
    """Whom the text names: by their id, or by their e-mail address."""
    wanted = text.strip()
    try:
        if wanted.startswith("usr_"):
            return ids.decode("usr", wanted)
        return kyc_queries.person_of_address(session, wanted) if wanted else None
    except (NotFound, Invalid):
        return None


@blp.view("GET", "/counter", permission=Permission.KYC_VERIFY)
def counter(session: Session, _actor: Actor) -> Response:
    """Confirm that somebody stood at the counter with their document."""
    return _counter(session)


@blp.view("POST", "/counter", permission=Permission.KYC_VERIFY, fresh=True)
def confirm(session: Session, actor: Actor) -> Response:
    """Write down that the document of whoever stands there was seen."""
    try:
        with session.savepoint():
            found = _standing_there(session, request.form.get("person", ""))
            seen = _seen(request.form.get("document", ""))
            review.confirm_seen(session, actor, found.id, reason=f"Seen at the counter: {seen}")
    except (Invalid, Conflict) as refusal:
        status, problems = said_at_form(refusal)
        return _counter(session, status=status, problems=problems)
    return see_other(url_for("support_kyc_pages.counter", confirmed=found.public_id))


def _seen(text: str) -> str:
    if text not in dict(_SEEN):
        raise Invalid("document", "Choose a document from the list.")
    return text


def _standing_there(session: Session, text: str) -> Verification:
    person_id = _person(session, text[:_TEXT_LENGTH_MAX])
    found = kyc_queries.best_of(kyc_queries.of_person(session, person_id)) if person_id else None
    if found is None:
        raise Invalid(
            "person",
            "No customer with this email or ID has submitted their identity yet. "
            "Check the spelling.",
        )
    return found


def _counter(
    session: Session, *, status: int = 200, problems: dict[str, str] | None = None
) -> Response:
    confirmed = request.args.get("confirmed", "")
    name = ""
    if confirmed:
        about = kyc_queries.by_id(session, ids.decode(kyc_queries.PREFIX, confirmed)).user_id
        name = people.names(session, [about]).get(about, "")
    return page(
        "support/kyc/counter.html",
        "support/kyc/_counter.html",
        status=status,
        confirmed=name,
        seen_options=[("", "Choose …"), *_SEEN],
        problems=problems or {},
        typed=request.form,
    )


@blp.view("GET", "/<verification_id>", permission=Permission.KYC_READ)
def verification(session: Session, actor: Actor, verification_id: str) -> Response:
    """A submission: what was said, what was sent, what happened, and what can be done."""
    return _verification(session, actor, ids.decode(kyc_queries.PREFIX, verification_id))


# That it was looked at is recorded.
@blp.view("GET", "/documents/<document_id>", permission=Permission.KYC_READ, writes=True)
def document(session: Session, actor: Actor, document_id: str) -> Response:
    """A document that somebody sent, to be looked at and not run."""
    shown = documents.show(session, actor, ids.decode(documents.PREFIX, document_id))
    response = Response(shown.data, content_type=shown.media_type)
    policy = _ONLY_SHOWN if shown.media_type == content.PDF else _ONLY_SHOWN + _SANDBOX
    response.headers["Content-Security-Policy"] = policy
    response.headers["Content-Disposition"] = "inline"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


@blp.view("POST", "/<verification_id>/approve", permission=Permission.KYC_REVIEW, fresh=True)
def approve(session: Session, actor: Actor, verification_id: str) -> Response:
    """Approve an identity; ask a second person for tier 3 and for a company."""
    reason = request.form.get("reason", "")
    return _done(
        session,
        actor,
        verification_id,
        "approve",
        lambda it: review.approve(session, actor, it, reason=reason),
    )


@blp.view("POST", "/<verification_id>/reject", permission=Permission.KYC_REVIEW, fresh=True)
def reject(session: Session, actor: Actor, verification_id: str) -> Response:
    """Say no, and tell the person why."""
    return _tell(session, actor, verification_id, "reject", review.reject)


@blp.view("POST", "/<verification_id>/more", permission=Permission.KYC_REVIEW, fresh=True)
def ask_for_more(session: Session, actor: Actor, verification_id: str) -> Response:
    """Have the person send or say more."""
    return _tell(session, actor, verification_id, "more", review.ask_for_more)


@blp.view("POST", "/<verification_id>/take-back", permission=Permission.KYC_DECIDE, fresh=True)
def take_back(session: Session, actor: Actor, verification_id: str) -> Response:
    """Take back what was approved."""
    return _tell(session, actor, verification_id, "take-back", review.take_back)


def _tell(
    session: Session, actor: Actor, verification_id: str, form: str, act: Callable[..., None]
) -> Response:
    told = [each for each in request.form.getlist("told") if each]
    reason = request.form.get("reason", "")
    return _done(
        session,
        actor,
        verification_id,
        form,
        lambda it: act(session, actor, it, reasons=told, reason=reason),
    )


def _done(
    session: Session,
    actor: Actor,
    verification_id: str,
    form: str,
    act: Callable[[UUID], object],
) -> Response:
    """The submission again: after the act, or with what was wrong said at the form."""
    identifier = ids.decode(kyc_queries.PREFIX, verification_id)
    try:
        with session.savepoint():
            act(identifier)
    except (Invalid, Conflict) as refusal:
        status, problems = said_at_form(refusal)
        return _verification(
            session, actor, identifier, status=status, form=form, problems=problems
        )
    return see_other(url_for("support_kyc_pages.verification", verification_id=verification_id))


def _verification(
    session: Session,
    actor: Actor,
    identifier: UUID,
    *,
    status: int = 200,
    form: str = "",
    problems: dict[str, str] | None = None,
) -> Response:
    found, events = kyc_queries.by_id(session, identifier), kyc_queries.events(session, identifier)
    told = details.of(session, identifier)
    others = kyc_queries.of_person(session, found.user_id)
    waiting = [
        each
        for each in approvals_queries.waiting_about(session, found.user_id)
        if each.subject == found.public_id
    ]
    named = {found.user_id} | {each.actor_id for each in events if each.actor_id}
    named |= {each.maker_id for each in waiting}
    return page(
        "support/kyc/verification.html",
        "support/kyc/_verification.html",
        status=status,
        verification=found,
        kind_name=KIND_NAMES[found.kind],
        kind_names=KIND_NAMES,
        person=people.standing(session, found.user_id),
        told=told,
        age=_age(told),
        documents=documents.of_person(session, found.user_id),
        events=events,
        others=[each for each in others if each.id != found.id],
        waiting=[(each, ids.encode("apr", each.id)) for each in waiting],
        names=people.names(session, list(named)),
        reason_texts=REASON_TEXTS,
        reason_options=_REASONS,
        may=actor.permissions,
        is_self=actor.user_id == found.user_id,
        form_id=form,
        problems=problems or {},
        typed=request.form,
    )


def _age(told: object) -> int | None:
    born = getattr(told, "date_of_birth", None)
    return kyc_rules.years_between(born, clock.now().date()) if born else None
