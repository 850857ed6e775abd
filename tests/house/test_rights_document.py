"""docs/rights.md: what each role may do, written from the permissions that a database starts with.

`DEFAULT_PERMISSIONS` and the permissions of a new database are the same
(tests/identity/roles/test_role_permissions.py), so the document says what the database says.
"""

from itertools import groupby

from app.access import BRANCH_BOUND_ROLES, DEFAULT_PERMISSIONS, Permission, Role
from app.access.areas import PERMISSIONS_BY_AREA, resource_of
from app.access.descriptions import PERMISSION_DESCRIPTIONS, ROLE_DESCRIPTIONS
from app.approvals import registry
from tests.house import snapshot
from tests.house.source import CHECKOUT

DOCUMENT = CHECKOUT / "docs" / "rights.md"
INTRODUCTION = """# Who may do what

What each role holds in a new installation. Administrators change it at `/admin/roles`; every change
is in the audit trail. A test writes this page from `app/access` and fails if they differ
(`SNAPSHOTS=write bin/test tests/house/test_rights_document.py`).

- ● the role holds the permission; ●● acts with it take two people, from an amount on or always.
- `own`: one's own data. `branch`: those of the branch of a teller. `all`: of every person.
- High-value and dangerous acts take a second person whatever the role.

Where a role holds more or less than its name suggests:

- Compliance reads the audit trail. Every member of staff sees their own acts (`own:audit:read`).
- Compliance halts markets, releases payments and reads custody and settings: these stop money, and
  it is the desk that is asked to stop it. Exposure and books are not theirs.
- Support reads stock, to say when goods leave; it changes none.
- Inventory reads orders and redemptions that it packs, and writes notes on orders for the customer.
- Tellers find people by exact ID, email or phone at the counter, and see no list of people.
- Administrators hold no permission of customers: staff act for PBCEx, never for themselves.
"""


def test_document_of_rights_is_as_the_permissions_are() -> None:
    roles, two_people = list(Role), registry.two_person_permissions()
    lines = [INTRODUCTION, "| Role | What it is for |", "| --- | --- |"]
    for role in roles:
        bound = ", at one branch" if role in BRANCH_BOUND_ROLES else ""
        lines.append(f"| {role.label} (`{role.value}`{bound}) | {ROLE_DESCRIPTIONS[role]} |")
    for area, permissions in PERMISSIONS_BY_AREA.items():
        lines += ["", f"## {area.label}"]
        for resource, of_resource in groupby(permissions, resource_of):
            head = " | ".join(role.label for role in roles)
            lines += ["", f"| {resource} | {head} |", f"| --- |{' :-: |' * len(roles)}"]
            for permission in of_resource:
                held = "●●" if permission in two_people else "●"
                marks = (held if permission in DEFAULT_PERMISSIONS[role] else "" for role in roles)
                text = f"{PERMISSION_DESCRIPTIONS[permission]} `{permission.value}`"
                lines.append(f"| {text} | {' | '.join(marks)} |")
    snapshot.check(DOCUMENT, lines)


def test_no_two_resources_are_called_the_same() -> None:
    names = {permission.value.split(":")[1]: resource_of(permission) for permission in Permission}
    assert len(names) == len(set(names.values()))
