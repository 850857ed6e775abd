"""Sanctions lists, cases, requests that wait for a second person, and a failed job."""

from dataclasses import dataclass
from datetime import timedelta

from app.access import Permission, Role
from app.cases import queries as cases_queries
from app.cases import service as cases
from app.catalog.rules import Metal
from app.flags import service as flags
from app.flags.rules import Feature
from app.identity.accounts import account_status, invitations
from app.identity.roles import role_assignments, role_permissions
from app.keys import rotation_approval
from app.kit import clock, ids
from app.kit.list_query import ListQuery, fetch_page
from app.outbox.rules import BACKOFF
from app.pricing import service as pricing
from app.pricing.rules import HaltReason
from app.privacy import erasure
from app.sample.business import Business
from app.sample.lists import LATER_LIST, import_list
from app.sample.timeline import Part
from app.settings import service as settings

PART = Part()


@PART.ago(days=90, hours=1)
def begin(business: Business) -> None:
    """Import a sanctions list, without which no check passes; book what custodians keep."""
    import_list(business.database)
    business.stage("custody.open_books")


@PART.ago(days=84, hours=2)
def let_auditors_see_people(business: Business) -> None:
    """An administrator lets auditors look people up."""
    with business.transaction() as session:
        role_permissions.grant_permission(
            session, business.actor("admin"), Role.AUDITOR, Permission.PEOPLE_READ,
            reason="Auditors look people up",
        )  # fmt: skip


@PART.ago(days=45)
def lower_a_band(business: Business) -> None:
    """An administrator sets how far exposure to palladium may go."""
    with business.transaction() as session:
        settings.change_setting(
            session, business.actor("admin"), "exposure.band_pd", "150", reason="We hold less of it"
        )


@PART.ago(days=60)
def try_redemption_out(business: Business) -> None:
    """Before the vault opens for everyone, a tenth of all people and one customer try it."""
    with business.transaction() as session:
        flags.change_flag(
            session, business.actor("admin"), Feature.VAULT_REDEMPTION, share="10",
            people=ids.encode("usr", business.people["customer"].user_id),
            reason="To be tried out first",
        )  # fmt: skip


@PART.ago(days=53)
def open_redemption(business: Business) -> None:
    """A week later two people give it to everyone."""
    with business.transaction() as session:
        approval_id = flags.change_flag(
            session, business.actor("admin"), Feature.VAULT_REDEMPTION, share="100", people="",
            reason="A week without a complaint",
        )  # fmt: skip
    business.approve("admin2", approval_id)


@PART.ago(days=51)
def suspend_george(business: Business) -> None:
    """Two people suspend a customer whose card payment was charged back."""
    with business.transaction() as session:
        approval_id = account_status.request_suspension(
            session, business.actor("compliance"), business.people["george"].user_id,
            reason="Card payment charged back",
        )  # fmt: skip
    business.approve("admin", approval_id)


@PART.ago(days=32, hours=3)
def halt_palladium(business: Business) -> None:
    """An administrator halts a market."""
    with business.transaction() as session:
        pricing.halt_market(
            session, business.actor("admin"), Metal.PD, HaltReason.PRICES,
            note="Two of our sources differ",
        )  # fmt: skip


@PART.ago(days=32, hours=1)
def resume_palladium(business: Business) -> None:
    """Two hours later it trades again."""
    with business.transaction() as session:
        pricing.resume_market(
            session, business.actor("admin2"), Metal.PD, note="The sources agree again"
        )


@PART.ago(days=4)
def import_later_list(business: Business) -> None:
    """A new version of the list may name two customers: everyone is screened again."""
    import_list(business.database, LATER_LIST)


@dataclass(frozen=True, slots=True)
class Casework:
    """Work of a member of staff on the open case of a kind about a customer."""

    days: int
    name: str
    kind: str
    worker: str
    note: str
    #: How the case ends; empty for one that stays open.
    disposition: str = ""

    def play(self, business: Business) -> None:
        """Take the case, add the note, and close the case if it ends."""
        actor, person_id = business.actor(self.worker), business.people[self.name].user_id
        with business.transaction() as session:
            [case] = fetch_page(
                session,
                cases_queries.visible_cases(actor),
                ListQuery({"person": person_id, "kind": self.kind}, "opened"),
            ).rows
            cases.assign(session, actor, case.id, actor.user_id)
            cases.add_note(session, actor, case.id, self.note)
            if self.disposition:
                disposition, reason = self.disposition, self.note
                cases.close(session, actor, case.id, disposition=disposition, reason=reason)


_CASEWORK = (
    Casework(27, "maria", "deposit_limit", "support", "She sold her car", "resolved"),
    Casework(3, "victor", "screening.hit", "compliance", "Another year of birth", "not_a_match"),
    Casework(3, "felix", "screening.hit", "compliance", "His passport is to be compared"),
    Casework(1, "customer", "custody.unsupported", "support2", "He asks for the tokens back"),
)
for _casework in _CASEWORK:
    PART.add(timedelta(days=_casework.days), _casework.play)


@PART.ago(days=2, hours=6)
def ask_for_second_people(business: Business) -> None:
    """Requests wait for administrators and for compliance."""
    with business.transaction() as session:
        rotation_approval.request_rotation(
            session, business.actor("admin"), reason="The key is a quarter old"
        )
        role_assignments.change_role(
            session, business.actor("admin"), business.people["support2"].user_id,
            Role.COMPLIANCE, reason="She moves to compliance",
        )  # fmt: skip
        settings.change_setting(
            session, business.actor("compliance"), "payments.card_max", "8000",
            reason="Too many charge backs",
        )  # fmt: skip
        account_status.request_reactivation(
            session, business.actor("compliance2"), business.people["george"].user_id,
            reason="He paid what he owed",
        )  # fmt: skip
        erasure.request_erasure(
            session, business.actor("admin2"), business.people["peter"].user_id,
            reason="He asked for it in a letter",
        )  # fmt: skip


@PART.ago(days=1, hours=6)
def invite_a_teller(business: Business) -> None:
    """An invitation is open."""
    with business.transaction() as session:
        invitations.invite(
            session, business.actor("admin"), email="tara.teller@pbcex.local", first_name="Tara",
            last_name="Teller", role=Role.TELLER, branch_id=business.things["AIRPORT"],
            reason="The airport opens on Sundays",
        )  # fmt: skip


@PART.ago(hours=5)
def give_up_on_an_email(business: Business) -> None:
    """A job fails for good: the server of a customer's address takes nothing."""
    start = clock.now()
    for tries in range(1, BACKOFF.tries_max + 1):
        business.set_clock(start + tries * BACKOFF.base * 2**BACKOFF.doublings)
        business.run_due_jobs()
