"""Tables of what roles hold, of who owes their account or role to whom, and of invitations."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.access import Role
from app.branches.rules import HEAD_OFFICE
from app.identity.roles.rules import SponsorshipKind
from app.kit.db import Base
from app.kit.statements import StoredEnum


class Sponsorship(Base):
    """What a member of staff owes to another one, who asked for it (roles/independence.py)."""

    __tablename__ = "sponsorships"
    __table_args__ = (
        sa.CheckConstraint(
            "kind IN ('invited', 'role_changed', 'reactivated', 'second_factor_removed')",
            name="sponsorship_kind_known",
        ),
        sa.CheckConstraint("person_id <> sponsor_id", name="sponsor_is_another_person"),
        sa.Index("sponsorships_at_idx", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    sponsor_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    kind: Mapped[SponsorshipKind] = mapped_column(StoredEnum(SponsorshipKind))
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class StaffInvitation(Base):
    """An invitation to a role that makes makers or checkers, until a second person approves it.

    The request names it by its id, because requests are kept and say nothing about people. A row
    is never changed: what the second person approves is what was asked for.
    """

    __tablename__ = "staff_invitations"
    __table_args__ = (
        sa.Index("staff_invitations_requested_at_idx", "requested_at"),
        sa.CheckConstraint(
            f"branch_id <> '{HEAD_OFFICE}'", name="teller_is_not_invited_to_head_office"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(sa.Text)
    email_key: Mapped[str] = mapped_column(sa.Text, unique=True)
    first_name: Mapped[str] = mapped_column(sa.Text)
    last_name: Mapped[str] = mapped_column(sa.Text)
    role: Mapped[Role] = mapped_column(StoredEnum(Role))
    branch_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("branches.id"))
    requested_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class KnownPermission(Base):
    """A permission known to the database: its default grants were inserted."""

    __tablename__ = "permissions"

    name: Mapped[str] = mapped_column(sa.Text, primary_key=True)


class RoleGrant(Base):
    """A permission that a role holds. By whom and when it was granted is null for the defaults of
    an installation and for grants of the command line."""

    __tablename__ = "role_grants"

    role: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    permission: Mapped[str] = mapped_column(sa.ForeignKey("permissions.name"), primary_key=True)
    #: The person who asked for the grant.
    granted_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    granted_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
