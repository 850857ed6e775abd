"""Synonyms of the search: what customers type, and what they mean by it."""

from collections.abc import Mapping
from functools import partial

from app.access import Actor, Permission
from app.blueprints.forms import Form, FormSchema, text_field
from app.blueprints.lists import BulkAction, Column, Filter, ListForm, ListPage
from app.blueprints.page_blueprint import PageBlueprint
from app.catalog.search import queries, rules, service
from app.kit.db import Session

blp = PageBlueprint("synonyms", "/admin/synonyms")
_EDIT = Permission.PRODUCTS_EDIT


class SynonymSchema(FormSchema):
    """A synonym."""

    phrase = text_field(
        "Customers type",
        "Enter what customers type.",
        hint="Like krug",
        check=partial(rules.clean_phrase, "phrase"),
    )
    meaning = text_field(
        "They mean",
        "Enter what they mean.",
        hint="Words of products, like krugerrand",
        check=partial(rules.clean_phrase, "meaning"),
    )


ADD = Form(
    "add",
    title="Add a synonym",
    schema=SynonymSchema,
    button="Add synonym",
    success="Synonym added. The search knows it at once.",
    failure="The synonym was not added",
)
SYNONYMS = ListPage(
    name="synonyms",
    title="Synonyms",
    about="What customers type into the search, and which words of products they mean by it.",
    source=lambda _session, _actor: queries.SYNONYMS,
    columns=(
        Column("phrase", "Customers type", lambda synonym: synonym.phrase, sort="phrase"),
        Column("meaning", "They mean", lambda synonym: synonym.meaning),
    ),
    default_sort="phrase",
    filters=(Filter("phrase", "Customers type"),),
    empty=("No synonyms", "Add the first one here."),
    bulk_actions=(
        BulkAction(
            "remove",
            "Remove",
            _EDIT,
            queries.PREFIX,
            service.remove_synonym,
            ("synonym removed.", "synonyms removed."),
        ),
    ),
)
list_synonyms = blp.add_list(
    "", SYNONYMS, permission=Permission.VAULT_READ, form=ListForm(ADD, _EDIT)
)


@blp.form("", ADD, shown_on=list_synonyms, permission=_EDIT)
def add_synonym(session: Session, actor: Actor, fields: Mapping[str, str]) -> None:
    """Add a synonym of the search."""
    service.add_synonym(session, actor, fields["phrase"], fields["meaning"])
