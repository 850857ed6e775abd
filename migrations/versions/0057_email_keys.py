"""Compare email addresses in lower case instead of casefolded, which merged different mailboxes."""

from unicodedata import normalize

import idna
import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None

# Only letters outside ASCII are folded to others.
PEOPLE = sa.text(
    "SELECT id, email, email_key FROM users WHERE email ~ '[^[:ascii:]]' OR email ~* 'xn--'"
)
UPDATE = sa.text("UPDATE users SET email_key = :key WHERE id = :id")


def lower_key(email: str) -> str:
    """Return the key in lower case, with the domain decoded."""
    local, _, domain = email.rpartition("@")
    decoded = idna.decode(idna.encode(domain, uts46=True))
    return normalize("NFC", f"{normalize('NFC', local).lower()}@{decoded.lower()}")


def upgrade() -> None:
    connection = op.get_bind()
    for person in connection.execute(PEOPLE).all():
        values = {"id": person.id, "key": lower_key(person.email)}
        connection.execute(UPDATE, values)


def downgrade() -> None:
    connection = op.get_bind()
    for person in connection.execute(PEOPLE).all():
        values = {"id": person.id, "key": normalize("NFC", person.email_key.casefold())}
        connection.execute(UPDATE, values)
