"""Legal entities: list and add them, and show one with its branches and licences."""

from collections.abc import Mapping
from typing import Any

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.admin import address_fields
from app.blueprints.admin.address_fields import ADDRESS_FIELDS, AddressFieldsSchema
from app.blueprints.admin.licence_fields import ADD_LICENCE, read_licence
from app.blueprints.form_changes import Facts
from app.blueprints.forms import Form, FormSchema, choice_field, reason_field, text_field
from app.blueprints.lists import Column, ListForm, ListPage
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.branches import queries as branches_queries
from app.branches import rules as branches_rules
from app.branches.entities import queries as entities_queries
from app.branches.entities import rules
from app.branches.entities import service as entities
from app.branches.entities.queries import EntitySummary
from app.branches.entities.rules import CashReportRegime
from app.branches.entities.service import EntityFacts
from app.branches.licences import queries as licences_queries
from app.branches.licences import service as licences
from app.kit import ids
from app.kit.db import Session

blp = PageBlueprint("entities", "/admin/entities")


class EntitySchema(AddressFieldsSchema):
    """What the register says of a legal entity."""

    name = text_field("Name", "Enter the name.", check=branches_rules.clean_name)
    jurisdiction = text_field(
        "Registered in",
        "Enter where it is registered.",
        hint="A country or a state of one, like KE or US-DE",
        check=rules.clean_jurisdiction,
    )
    tax_number = text_field("Tax number", None, hint="The company's, such as its EIN")

    class Meta(AddressFieldsSchema.Meta):
        fields: tuple[str, ...] = ("name", "jurisdiction", "tax_number", *ADDRESS_FIELDS)


class NewEntitySchema(EntitySchema):
    """A new legal entity."""

    code = text_field(
        "Code",
        "Enter a code.",
        hint="2 to 12 capital letters and digits, like PBCEXDE",
        check=branches_rules.clean_code,
    )
    regime = choice_field(
        "Reports cash by", "Choose how it reports cash.", CashReportRegime.options()
    )

    class Meta(EntitySchema.Meta):
        fields = ("code", "regime", *EntitySchema.Meta.fields)


class RegimeSchema(FormSchema):
    """How a legal entity reports cash from now on."""

    regime = choice_field(
        "Reports cash by", "Choose how it reports cash.", CashReportRegime.options()
    )
    reason = reason_field()


def _describe(session: Session, _actor: Actor, entity_id: str) -> Facts:
    entity = entities_queries.get_entity(session, ids.decode("ent", entity_id))
    return {
        "Name": entity.name,
        "Registered in": entity.jurisdiction,
        "Tax number": entity.tax_number or "",
        "Address": entity.postal.in_one_line if entity.postal else "",
    }


ADD_ENTITY = Form(
    "add",
    title="Add a legal entity",
    schema=NewEntitySchema,
    button="Add legal entity",
    success="Legal entity added.",
    failure="The legal entity was not added",
)
CHANGE_FACTS = Form(
    "facts",
    title="Register",
    about="As its registration says.",
    schema=EntitySchema,
    button="Save",
    success="Saved.",
    failure="Nothing was saved",
    current=_describe,
    subject=lambda entity_id: entity_id,
)
CHANGE_REGIME = Form(
    "regime",
    title="Cash reports",
    about="A second person approves the change.",
    schema=RegimeSchema,
    button="Request change",
    success="Change requested. A second person has to approve it.",
    failure="The change was not requested",
    is_secondary=True,
)
ENTITIES = ListPage(
    name="entities",
    title="Legal entities",
    about="Companies to which branches belong.",
    source=lambda _session, _actor: entities_queries.ENTITIES,
    columns=(
        Column("code", "Code", lambda entity: entity.code, sort="code"),
        Column("name", "Name", lambda entity: entity.name),
        Column("jurisdiction", "Registered in", lambda entity: entity.jurisdiction_name),
        Column("tax", "Tax number", lambda entity: entity.tax_number, is_hidden=True),
        Column("regime", "Reports cash by", lambda entity: entity.cash_report_regime.label),
        Column("added", "Added", lambda entity: entity.added_at, sort="added", is_hidden=True),
    ),
    row_url=lambda entity: url_for("entities_pages.show_entity", entity_id=entity.public_id),
    default_sort="code",
    empty=("No legal entities", "Every database has the first one."),
)
list_entities = blp.add_list(
    "",
    ENTITIES,
    permission=Permission.ENTITIES_READ,
    form=ListForm(ADD_ENTITY, Permission.ENTITIES_EDIT),
)


def _read_facts(fields: Mapping[str, Any]) -> EntityFacts:
    return EntityFacts(
        fields["name"],
        fields["jurisdiction"],
        address_fields.read_address(fields),
        fields["tax_number"],
    )


@blp.form("", ADD_ENTITY, shown_on=list_entities, permission=Permission.ENTITIES_EDIT)
def add_entity(session: Session, actor: Actor, fields: Mapping[str, Any]) -> None:
    """Add a legal entity."""
    with address_fields.naming_fields():
        entities.add_entity(
            session, actor, fields["code"], _read_facts(fields), CashReportRegime(fields["regime"])
        )


@blp.view("GET", "/<entity_id>", permission=Permission.ENTITIES_READ, shows="ent")
def show_entity(session: Session, actor: Actor, entity_id: str) -> Response:
    """Show a legal entity with its branches and licences, and the forms to change it."""
    entity = entities_queries.get_entity(session, ids.decode("ent", entity_id))
    return render_page(
        "admin/entities/entity.html",
        entity=entity,
        branches=branches_queries.list_branches_of_entity(session, entity.id),
        licences=licences_queries.list_of_entity(session, entity.id),
        facts_form=CHANGE_FACTS,
        facts=_facts_of(entity),
        regime_form=CHANGE_REGIME,
        licence_form=ADD_LICENCE,
        may_edit=Permission.ENTITIES_EDIT in actor.permissions,
    )


def _facts_of(entity: EntitySummary) -> dict[str, str]:
    """Return what the form of the facts holds at first."""
    return {
        "name": entity.name,
        "jurisdiction": entity.jurisdiction,
        "tax_number": entity.tax_number or "",
        **address_fields.write_address(entity.postal),
    }


@blp.form("/<entity_id>", CHANGE_FACTS, shown_on=show_entity, permission=Permission.ENTITIES_EDIT)
def change_entity(
    session: Session, actor: Actor, fields: Mapping[str, Any], entity_id: str
) -> None:
    """Change what the register says of a legal entity."""
    with address_fields.naming_fields():
        entities.change_entity(session, actor, ids.decode("ent", entity_id), _read_facts(fields))


@blp.form(
    "/<entity_id>/regime",
    CHANGE_REGIME,
    shown_on=show_entity,
    permission=Permission.ENTITIES_EDIT,
    fresh=True,
)
def request_regime(
    session: Session, actor: Actor, fields: Mapping[str, str], entity_id: str
) -> str:
    """Request another way to report cash, which a second person approves."""
    approval_id = entities.request_regime(
        session,
        actor,
        ids.decode("ent", entity_id),
        CashReportRegime(fields["regime"]),
        reason=fields["reason"],
    )
    return url_for("approvals_pages.show_approval", approval_id=ids.encode("apr", approval_id))


@blp.form(
    "/<entity_id>/licences", ADD_LICENCE, shown_on=show_entity, permission=Permission.ENTITIES_EDIT
)
def add_licence(session: Session, actor: Actor, fields: Mapping[str, Any], entity_id: str) -> None:
    """Add a licence of a legal entity."""
    entity = entities_queries.get_entity(session, ids.decode("ent", entity_id))
    licences.add_entity_licence(session, actor, entity.id, read_licence(fields))
