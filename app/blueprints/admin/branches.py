"""Branches: list and open them, and show the tellers of one. A teller sees their own branch."""

from collections.abc import Mapping

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.forms import Form, FormSchema, text_field
from app.blueprints.lists import Column, ListPage
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.branches import queries as branches_queries
from app.branches import rules, service
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session

blp = PageBlueprint("branches", "/admin/branches")


class BranchSchema(FormSchema):
    """A new branch."""

    code = text_field(
        "Code",
        "Enter a code.",
        hint="2 to 12 capital letters and digits, like NYC1",
        check=rules.clean_code,
    )
    name = text_field("Name", "Enter a name.", check=rules.clean_name)


OPEN_BRANCH = Form(
    "open",
    title="Open a branch",
    schema=BranchSchema,
    button="Open branch",
    success="Branch opened.",
    failure="The branch was not opened",
)
BRANCHES = ListPage(
    name="branches",
    title="Branches",
    about="Places where customers are served. Tellers see only their own branch.",
    source=lambda _session, actor: branches_queries.visible_branches(actor),
    columns=(
        Column("code", "Code", lambda branch: branch.code, sort="code"),
        Column("name", "Name", lambda branch: branch.name),
        Column("opened", "Opened", lambda branch: branch.opened_at, sort="opened"),
    ),
    row_url=lambda branch: url_for("branches_pages.show_branch", branch_id=branch.public_id),
    default_sort="code",
    empty=("No branches yet", "An administrator opens the first one here."),
)
list_branches = blp.add_list(
    "",
    BRANCHES,
    permission=Permission.BRANCHES_READ,
    template="admin/branches/index.html",
    context=lambda _session, actor: {
        "open_form": OPEN_BRANCH,
        "may_edit": Permission.BRANCHES_EDIT in actor.permissions,
    },
)


@blp.form("", OPEN_BRANCH, shown_on=list_branches, permission=Permission.BRANCHES_EDIT)
def open_branch(session: Session, actor: Actor, fields: Mapping[str, str]) -> None:
    """Open a branch."""
    service.open_branch(session, actor, code=fields["code"], name=fields["name"])


@blp.view("GET", "/<branch_id>", permission=Permission.BRANCHES_READ, shows="brn")
def show_branch(session: Session, actor: Actor, branch_id: str) -> Response:
    """Show a branch and its tellers."""
    branch = branches_queries.get_branch(session, actor, ids.decode("brn", branch_id))
    tellers = people.list_branch_staff(session, branch.id)
    return render_page(
        "admin/branches/branch.html",
        branch=branch,
        branch_id=branch_id,
        tellers=tellers,
        names={teller.id: teller.name for teller in tellers},
    )
