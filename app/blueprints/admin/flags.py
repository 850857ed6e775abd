"""Feature flags: what is switched on, for whom, and the forms that narrow and widen a feature."""

from collections.abc import Mapping

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.form_changes import Facts
from app.blueprints.forms import Done, Form, FormSchema, reason_field, text_field
from app.blueprints.lists import Column, EnumFilter, ListPage, PersonCell, ReferenceCell
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.flags import queries, rules, service
from app.flags.queries import FlagChangeRow
from app.flags.rules import Feature, FeatureCeiling
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.ports import resolve

blp = PageBlueprint("flags", "/admin/flags")


class CohortSchema(FormSchema):
    """Who has a feature."""

    share = text_field(
        "Share of all people, in percent",
        "Enter a share.",
        hint="0 to 100. The people of a share stay in each larger one.",
        check=rules.parse_share,
    )
    people = text_field(
        "People who have it in any case",
        None,
        control="textarea",
        hint="IDs (usr_…), separated by blanks",
        check=rules.parse_people,
    )
    reason = reason_field()


def _find_feature(name: str) -> Feature:
    feature = Feature.with_value(name)
    if feature is None:
        raise NotFound
    return feature


def _describe_flag(session: Session, _actor: Actor, feature: str) -> Facts:
    flag = queries.get_flag(session, _find_feature(feature))
    return {"Share": f"{flag.share} %", "People": rules.write_people(flag.people)}


def _approval(change: FlagChangeRow) -> ReferenceCell | None:
    return ReferenceCell(change.approval_public_id) if change.approval_public_id else None


CHANGE = Form(
    "change",
    title="Change who has it",
    about="What takes the feature from people counts at once; what gives it to people needs a"
    " second person. Neither gives what the environment does not allow.",
    schema=CohortSchema,
    button="Change feature",
    success="Feature changed.",
    failure="The feature was not changed",
    confirm="Change who has this feature?",
    current=_describe_flag,
    subject=lambda feature: feature,
)
FLAGS = ListPage(
    name="flags",
    title="Feature flags",
    about="Parts of the API that are switched on by the environment, and narrowed here to some"
    " people. Pages of staff are always there.",
    source=lambda _session, _actor: queries.FLAGS,
    columns=(
        Column("feature", "Feature", lambda flag: flag.feature.label, sort="feature"),
        Column("state", "On for", lambda flag: flag.state),
        Column("share", "Share", lambda flag: f"{flag.share} %", is_figure=True),
        Column("people", "People by ID", lambda flag: len(flag.people)),
        Column("since", "Since", lambda flag: flag.since),
        Column("needs", "Needs in the environment", lambda flag: flag.feature.needs),
    ),
    row_url=lambda flag: url_for("flags_pages.show_flag", feature=flag.feature.value),
    default_sort="feature",
    empty=("No features", "The program declares them."),
)
CHANGES = ListPage(
    name="flag_changes",
    title="History of feature flags",
    about="Who had which feature from when on.",
    source=lambda _session, _actor: queries.CHANGES,
    columns=(
        Column("feature", "Feature", lambda change: change.feature.label),
        Column("share", "Share", lambda change: f"{change.share} %", is_figure=True),
        Column("people", "People by ID", lambda change: len(change.people)),
        Column("made", "From", lambda change: change.made_at, sort="made"),
        Column("maker", "Changed by", lambda change: PersonCell(change.maker_id)),
        Column("approval", "Approval", _approval),
        Column("reason", "Reason", lambda change: change.reason),
    ),
    default_sort="-made",
    filters=(EnumFilter("feature", "Feature", Feature),),
    empty=("No changes yet", "Every feature is as the environment says."),
)
blp.add_list("", FLAGS, permission=Permission.FLAGS_READ)
blp.add_list("/history", CHANGES, permission=Permission.FLAGS_READ)


@blp.view("GET", "/<feature>", permission=Permission.FLAGS_READ)
def show_flag(session: Session, actor: Actor, feature: str) -> Response:
    """Show a feature: what it needs, who has it, and the form to change that."""
    flag = queries.get_flag(session, _find_feature(feature))
    return render_page(
        "admin/flags/flag.html",
        flag=flag,
        ceiling=resolve(FeatureCeiling),
        people=[ids.encode("usr", person_id) for person_id in flag.people],
        values={"share": str(flag.share), "people": rules.write_people(flag.people)},
        change_form=CHANGE,
        may_edit=Permission.FLAGS_EDIT in actor.permissions,
    )


@blp.form(
    "/<feature>",
    CHANGE,
    shown_on=show_flag,
    permission=Permission.FLAGS_EDIT,
    fresh=True,
)
def change_flag(session: Session, actor: Actor, fields: Mapping[str, str], feature: str) -> Done:
    """Change who has a feature, or request it from a second person."""
    approval_id = service.change_flag(session, actor, _find_feature(feature), **fields)
    if approval_id is None:
        return Done()
    public_id = ids.encode("apr", approval_id)
    return Done(
        url_for("approvals_pages.show_approval", approval_id=public_id),
        "Change requested. A second person has to approve it.",
    )
