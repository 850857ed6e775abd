"""The queue of support: what waits from all rooms, and who works on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.forms import Done, Form, FormSchema, choice_field, reason_field
from app.blueprints.lists import (
    BulkAction,
    Column,
    EnumFilter,
    Filter,
    ListPage,
    Options,
    PersonCell,
    PersonFilter,
    ReferenceCell,
)
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.blueprints.support.customer_forms import NothingSchema
from app.helpdesk.queue import queries, service
from app.helpdesk.queue.queries import QueueItem
from app.helpdesk.queue.rules import PREFIX, QueueView, Snooze
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.formatting import format_duration

blp = PageBlueprint("support_queue", "/support/queue")


@dataclass(frozen=True, slots=True)
class SourceFilter(Filter):
    """A filter by the kind of work, of those that the person may do."""

    type: str = field(default="select", init=False)

    def options(self, _session: Session, actor: Actor) -> Options:
        """Return the kinds of work."""
        return [(source.name, source.title) for source in queries.sources_for(actor)]


def _age(item: QueueItem) -> str:
    return format_duration(item.age.total_seconds())


QUEUE = ListPage(
    name="queue",
    title="Queue",
    about="Everything that waits for a decision of yours or your colleagues, the oldest first.",
    source=queries.queue_of,
    columns=(
        Column("work", "Work", lambda item: item.source.title),
        Column("subject", "About", lambda item: ReferenceCell(item.subject)),
        Column("customer", "Customer", lambda item: PersonCell(item.user_id, missing="–")),
        Column("since", "Waits since", lambda item: item.since, sort="since"),
        Column("age", "Age", _age),
        Column("target", "Target", lambda item: item.target_state),
        Column("state", "Status", lambda item: item.state),
        Column("assignee", "Claimed by", lambda item: PersonCell(item.assignee_id, missing="–")),
        Column("snoozed", "Snoozed until", lambda item: item.snoozed_until, is_hidden=True),
    ),
    row_url=lambda item: url_for("support_queue_pages.show_item", item_id=item.public_id),
    default_sort="since",
    filters=(
        EnumFilter("view", "Show", QueueView, default=QueueView.OPEN.value),
        SourceFilter("source", "Work"),
        PersonFilter("customer", "Customer", hint="Email or ID"),
    ),
    empty=("Nothing waits", "Work appears here when staff have to decide something."),
    no_match="No work matches these filters.",
    bulk_actions=(
        BulkAction(
            "claim",
            "Claim",
            Permission.QUEUE_WORK,
            PREFIX,
            service.claim,
            ("item is yours.", "items are yours."),
        ),
        BulkAction(
            "release",
            "Put back",
            Permission.QUEUE_WORK,
            PREFIX,
            service.release,
            ("item is back in the queue.", "items are back in the queue."),
        ),
    ),
    refreshes=True,
)
blp.add_list("", QUEUE, permission=Permission.QUEUE_WORK)


class HandOverSchema(FormSchema):
    """The colleague who goes on with the work, and why."""

    colleague = choice_field("Colleague", "Choose a colleague from the list.")
    reason = reason_field()


class SnoozeSchema(FormSchema):
    """How long the work sleeps."""

    duration = choice_field("For", "Choose how long.", Snooze.options())


class EscalationSchema(FormSchema):
    """Why others have to look at it, or why it is done."""

    reason = reason_field()


CLAIM = Form(
    "claim",
    title="Claim",
    schema=NothingSchema,
    button="Claim",
    success="It is yours.",
    failure="It was not claimed",
)
HAND_OVER = Form(
    "hand-over",
    title="Hand over",
    schema=HandOverSchema,
    button="Hand over",
    success="Handed over.",
    failure="It was not handed over",
    is_secondary=True,
)
SNOOZE = Form(
    "snooze",
    title="Snooze",
    about="It leaves the open queue for a while. Its age goes on.",
    schema=SnoozeSchema,
    button="Snooze",
    success="Snoozed.",
    failure="It was not snoozed",
    is_secondary=True,
)
ESCALATE = Form(
    "escalate",
    title="Escalate",
    about="It is marked for others to look at first, with your reason.",
    schema=EscalationSchema,
    button="Escalate",
    success="Escalated.",
    failure="It was not escalated",
    is_secondary=True,
)
END = Form(
    "end",
    title="Done",
    about="Takes it off the queue. Nothing else changes.",
    schema=EscalationSchema,
    button="Take off the queue",
    success="Taken off the queue.",
    failure="It stays in the queue",
    is_secondary=True,
)


@blp.view("GET", "/<item_id>", permission=Permission.QUEUE_WORK, shows=PREFIX)
def show_item(session: Session, actor: Actor, item_id: str) -> Response:
    """Show work of the queue, and what can be done about it."""
    item = queries.get_item(session, actor, ids.decode(PREFIX, item_id))
    colleagues = service.list_colleagues(session, item)
    touched = (item.user_id, item.assignee_id, item.escalated_by)
    names = people.get_names(session, {*colleagues, *(each for each in touched if each)})
    forms = [
        (HAND_OVER, "hand_over"),
        (SNOOZE, "snooze"),
        (ESCALATE, "escalate"),
        *([(END, "end")] if item.source.ends_by_hand else []),
    ]
    if item.assignee_id is None:
        forms.insert(0, (CLAIM, "claim"))
    return render_page(
        "support/queue/item.html",
        item=item,
        age=_age(item),
        names=names,
        colleagues=sorted(
            ((ids.encode("usr", each), names[each]) for each in colleagues if each in names),
            key=lambda option: option[1],
        ),
        forms=[
            (form, url_for(f"support_queue_pages.{act}", item_id=item_id)) for form, act in forms
        ],
        absent_forms=[CLAIM] if item.assignee_id is not None else [],
    )


@blp.form("/<item_id>/claim", CLAIM, shown_on=show_item, permission=Permission.QUEUE_WORK)
def claim(session: Session, actor: Actor, _fields: Mapping[str, str], item_id: str) -> None:
    """Take work that no colleague has."""
    service.claim(session, actor, ids.decode(PREFIX, item_id))


@blp.form("/<item_id>/hand-over", HAND_OVER, shown_on=show_item, permission=Permission.QUEUE_WORK)
def hand_over(session: Session, actor: Actor, fields: Mapping[str, str], item_id: str) -> None:
    """Give work to a colleague."""
    colleague_id = ids.try_decode("usr", fields["colleague"])
    if colleague_id is None:
        raise Invalid("colleague", "Choose a colleague from the list.")
    identifier = ids.decode(PREFIX, item_id)
    service.hand_over(session, actor, identifier, colleague_id, reason=fields["reason"])


@blp.form("/<item_id>/snooze", SNOOZE, shown_on=show_item, permission=Permission.QUEUE_WORK)
def snooze(session: Session, actor: Actor, fields: Mapping[str, str], item_id: str) -> None:
    """Hide work from the open queue for a while."""
    service.snooze(session, actor, ids.decode(PREFIX, item_id), Snooze(fields["duration"]))


@blp.form("/<item_id>/escalate", ESCALATE, shown_on=show_item, permission=Permission.QUEUE_WORK)
def escalate(session: Session, actor: Actor, fields: Mapping[str, str], item_id: str) -> None:
    """Mark work as one for others to look at first."""
    service.escalate(session, actor, ids.decode(PREFIX, item_id), reason=fields["reason"])


@blp.form("/<item_id>/end", END, shown_on=show_item, permission=Permission.QUEUE_WORK)
def end(session: Session, actor: Actor, fields: Mapping[str, str], item_id: str) -> Done:
    """Take work that has no end of its own off the queue."""
    service.end(session, actor, ids.decode(PREFIX, item_id), reason=fields["reason"])
    return Done(url_for("support_queue_pages.list_queue"))
