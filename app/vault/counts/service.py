"""The verbs of counts: start one, enter its lines, submit or cancel it, dismiss its variance."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.cases import registry as cases_registry
from app.cases import service as cases
from app.cases.registry import CaseKind, CaseOutcome
from app.catalog.products import queries as products_queries
from app.kit import clock, ids
from app.kit.db import Session, register_refusal
from app.kit.errors import Invalid
from app.vault.counts import queries, rules
from app.vault.counts.errors import (
    CountEnded,
    CountUnderway,
    NothingCounted,
    OwnVariance,
    VarianceNotBooked,
)
from app.vault.counts.models import CountLine, StockCount
from app.vault.counts.queries import CountSummary, CurrentLine
from app.vault.counts.rules import TRANSITIONS, CountStatus
from app.vault.locations import queries as locations_queries
from app.vault.stock import queries as stock_queries

#: Prefix of a count's public id.
PREFIX = "cnt"
#: The kind of the cases that variances become.
CASE_KIND = "count.variance"
#: The outcome of such a case: the count was wrong, nothing is booked.
DISMISSED = "dismissed"
#: The other outcome, which booking the variance brings about.
BOOKED = "booked"

register_refusal("counts_one_underway_key", lambda _detail: CountUnderway())


def start_count(session: Session, actor: Actor, *, location: str, skus: str = "") -> UUID:
    """Start a count of a location, of all products or of these SKUs, and return its id.

    Raises `PermissionDenied`, `Invalid` naming the field, and `CountUnderway`.
    """
    require(actor, Permission.COUNTS_WORK)
    chosen = rules.parse_skus(skus)
    for sku in chosen:
        if products_queries.find_product(session, sku) is None:
            raise Invalid("skus", f"There is no product {sku}. Check the SKU.")
    place = locations_queries.find_location(session, location)
    if place is None:
        raise Invalid("location", "There is no location with this code. Check it.")
    count_id, now = ids.new(), clock.now()
    session.write(
        sa.insert(StockCount).values(
            id=count_id,
            location_id=place.id,
            skus=chosen,
            status=CountStatus.COUNTING,
            started_by=actor.user_id,
            started_at=now,
        )
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.COUNT_STARTED,
        subject=ids.encode(PREFIX, count_id),
        after={"location": place.code, "skus": " ".join(chosen) or "all"},
    )
    return count_id


def enter_line(session: Session, actor: Actor, count_id: UUID, *, sku: str, units: str) -> None:
    """Enter the units of a product that were counted; they replace those entered before. What the
    ledger has at this moment is stored with them.

    Raises `PermissionDenied`, `NotFound`, `Invalid` naming the field, and `CountEnded`.
    """
    require(actor, Permission.COUNTS_WORK)
    counted = rules.parse_counted(units)
    count = _lock_counting(session, count_id)
    product = products_queries.find_product(session, sku)
    if product is None:
        raise Invalid("sku", "There is no product with this SKU. Check it, or add the product.")
    if count.skus and product.sku not in count.skus:
        raise Invalid("sku", "This product is not part of the count. Check the SKU.")
    expected = stock_queries.present_units(session, count.location_id, [product.sku])
    _append_line(session, actor, count_id, product.sku, units=counted, expected=expected)


def submit_count(session: Session, actor: Actor, count_id: UUID) -> CountStatus:
    """Submit a count and return its status. A product without a line, of which units are expected,
    is counted as none. Any variance opens a case and waits for a second person.

    Raises `PermissionDenied`, `NotFound`, `CountEnded`, and `NothingCounted`.
    """
    require(actor, Permission.COUNTS_WORK)
    count = _lock_counting(session, count_id)
    entered = {line.sku for line in queries.list_lines(session, count_id)}
    if not entered:
        raise NothingCounted
    expected = stock_queries.present_units(session, count.location_id, count.skus or None)
    for sku in sorted((expected.keys() | set(count.skus)) - entered):
        _append_line(session, actor, count_id, sku, units=0, expected=expected)
    lines = queries.list_lines(session, count_id)
    variances = [line for line in lines if line.variance]
    status = CountStatus.VARIANCE if variances else CountStatus.AGREED
    now = clock.now()
    _end(
        session, count, status, submitted_by=actor.user_id, submitted_at=now,
        ended_at=None if variances else now,
    )  # fmt: skip
    audit.record(
        session,
        actor=actor,
        action=AuditAction.COUNT_SUBMITTED,
        subject=count.public_id,
        before={"status": count.status},
        after={"status": status, **describe_variances(variances)},
    )
    if variances:
        cases.open_case(
            session,
            kind=CASE_KIND,
            subject=count.public_id,
            key=count.public_id,
            title="A count differs from the books",
            facts={"location": count.location_code, **describe_variances(variances)},
        )
    return status


def cancel_count(session: Session, actor: Actor, count_id: UUID) -> None:
    """End a count that was not submitted. Raises `PermissionDenied`, `NotFound`, and
    `CountEnded`."""
    require(actor, Permission.COUNTS_WORK)
    count = _lock_counting(session, count_id)
    _end(session, count, CountStatus.CANCELLED, ended_at=clock.now())
    audit.record(
        session,
        actor=actor,
        action=AuditAction.COUNT_CANCELLED,
        subject=count.public_id,
        before={"status": count.status},
        after={"status": CountStatus.CANCELLED},
    )


def end_variance(session: Session, count: CountSummary, status: CountStatus) -> None:
    """End a count whose variance was decided. Its row is locked."""
    _end(session, count, status, ended_at=clock.now())


def _dismiss(session: Session, outcome: CaseOutcome) -> None:
    """End a count whose variance is an error of the count. Raises `OwnVariance` for a person who
    took part in it."""
    count = queries.lock_count(session, ids.decode(PREFIX, outcome.key))
    if count.status is not CountStatus.VARIANCE:
        return
    if outcome.disposition == BOOKED:
        raise VarianceNotBooked
    took_part = {count.started_by, count.submitted_by, *queries.list_counters(session, count.id)}
    if outcome.actor is not None and outcome.actor.user_id in took_part:
        raise OwnVariance
    end_variance(session, count, CountStatus.DISMISSED)
    audit.record(
        session,
        actor=outcome.actor,
        action=AuditAction.COUNT_DISMISSED,
        subject=count.public_id,
        before={"status": count.status},
        after={"status": CountStatus.DISMISSED, "case": ids.encode(cases.PREFIX, outcome.case_id)},
    )


def _lock_counting(session: Session, count_id: UUID) -> CountSummary:
    count = queries.lock_count(session, count_id)
    if count.status is not CountStatus.COUNTING:
        raise CountEnded
    return count


def _append_line(
    session: Session,
    actor: Actor,
    count_id: UUID,
    sku: str,
    *,
    units: int,
    expected: Mapping[str, int],
) -> None:
    session.write(
        sa.insert(CountLine).values(
            count_id=count_id,
            sku=sku,
            units=units,
            expected_units=expected.get(sku, 0),
            counted_by=actor.user_id,
            counted_at=clock.now(),
        )
    )


def _end(session: Session, count: CountSummary, status: CountStatus, **values: object) -> None:
    TRANSITIONS.transition(count.status, status)
    session.write(
        sa.update(StockCount).where(StockCount.id == count.id).values(status=status, **values)
    )


def describe_variances(variances: Sequence[CurrentLine]) -> dict[str, str]:
    """Return the variances in words; nothing if there are none."""
    texts = [
        f"{line.sku}: {line.units} counted, {line.expected_units} expected" for line in variances
    ]
    return {"variance": "; ".join(texts)} if texts else {}


cases_registry.register(
    CaseKind(
        CASE_KIND,
        "Variance of a count",
        dispositions={DISMISSED: "The count was wrong", BOOKED: "Booked"},
        read_permission=Permission.COUNTS_READ,
        on_closed=_dismiss,
        consequences=lambda _session, _case_id, _person_id: {
            DISMISSED: ["The count ends, and nothing is booked. Count the location again."],
            BOOKED: ["Request the booking on the page of the count: it closes this case."],
        },
        reopening="Reopening leaves the count ended. Count the location again.",
    )
)
