"""PINs: a second person of the branch confirms an act, and wrong PINs lock out."""

import pytest
import time_machine

from app.access import Actor, Permission, Role
from app.identity.errors import NotSecondPerson, PinInvalid
from app.identity.pins import rules
from app.identity.pins import service as pins
from app.identity.pins.models import StaffPin
from app.identity.roles import independence
from app.identity.roles.rules import SponsorshipKind
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import Invalid, RateLimited
from tests.counter.tills import PIN, Branch
from tests.people import People
from tests.rows import read_values

WORK = Permission.DRAWERS_WORK


@pytest.fixture
def branch(database: Database) -> Branch:
    people = People(database)
    branch_id = people.branch()
    return Branch(people, branch_id, people.staff(Role.TELLER, branch_id))


def confirm(branch: Branch, person: Actor, pin: str = PIN) -> object:
    with branch.database.transaction() as session:
        return pins.confirm(session, branch.teller, person.user_id, pin, WORK, network="192.0.2.1")


def test_colleague_confirms_with_their_pin(branch: Branch) -> None:
    colleague = branch.hire_with_pin()
    assert confirm(branch, colleague, f" {PIN[:3]} {PIN[3:]}") == colleague.user_id
    with branch.database.reading() as session:
        [pin_hash] = read_values(session, StaffPin.pin_hash, StaffPin.user_id == colleague.user_id)
    assert PIN not in str(pin_hash)


@pytest.mark.parametrize("pin", ["12345", "1234567", "111111", "123456", "987654", "12a456", ""])
def test_pin_that_is_easy_to_guess_is_refused(pin: str) -> None:
    with pytest.raises(Invalid):
        rules.check_new_pin(pin)


def test_second_person_is_another_teller_of_the_branch(branch: Branch) -> None:
    away = Branch(branch.people, branch.people.branch(), branch.teller)
    for person in (branch.teller, away.hire_with_pin(), branch.people.staff(Role.ADMIN)):
        with branch.database.transaction() as session:
            pins.choose_pin(session, person, PIN)
        with pytest.raises(NotSecondPerson):
            confirm(branch, person)


def test_person_without_a_pin_confirms_nothing(branch: Branch) -> None:
    with pytest.raises(PinInvalid):
        confirm(branch, branch.hire())


def test_person_who_owes_the_teller_their_role_is_no_second_person(branch: Branch) -> None:
    colleague = branch.hire_with_pin()
    with branch.database.transaction() as session:
        independence.record_sponsorship(
            session, colleague.user_id, branch.teller.user_id, SponsorshipKind.INVITED
        )
    with pytest.raises(NotSecondPerson):
        confirm(branch, colleague)


def test_wrong_pins_lock_out_the_right_one_for_a_while(branch: Branch) -> None:
    colleague = branch.hire_with_pin()
    for _ in range(5):
        with pytest.raises(PinInvalid):
            confirm(branch, colleague, "480218")
    with pytest.raises(RateLimited, match="Too many wrong PINs"):
        confirm(branch, colleague)
    with time_machine.travel(clock.now().timestamp() + 61):
        assert confirm(branch, colleague) == colleague.user_id
