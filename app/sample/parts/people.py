"""Branches, staff, and customers who register."""

import re
from datetime import timedelta
from functools import partial

from app.access import Role
from app.access.consents import POLICIES, PolicyName
from app.audit.actions import AuditAction
from app.branches import service as branches
from app.branches.entities.rules import FIRST_ENTITY
from app.embedded.sample_people import DOMAIN, PASSWORD, SAMPLE_STAFF
from app.identity.accounts import email_verification, phone_verification
from app.identity.accounts import service as accounts
from app.privacy import consents
from app.sample.business import Business, record_by_command
from app.sample.customers import BY_NAME, SampleCustomer
from app.sample.timeline import Part

BRANCHES = {"MAIN": "Main Street", "HARBOUR": "Harbour Quay", "AIRPORT": "Airport, Terminal 2"}
#: Whose address cannot be confirmed: their mail server takes nothing.
UNREACHABLE = "olga"

PART = Part()
_CODE = re.compile(r"\b[0-9]{6}\b")


@PART.ago(days=90)
def open_branches_and_hire(business: Business) -> None:
    """Open the branches, and add the staff."""
    with business.transaction() as session:
        for code, name in BRANCHES.items():
            business.things[code] = branches.open_branch(
                session, None, code=code, name=name, entity_id=FIRST_ENTITY
            )
    for person in SAMPLE_STAFF:
        registration = accounts.prepare_registration(
            email=person.email,
            password=PASSWORD,
            first_name=person.first_name,
            last_name=person.last_name,
        )
        role, branch_id = Role(person.role), business.things.get(person.branch)
        with business.transaction() as session:
            user_id = accounts.add_person(session, registration, role, branch_id=branch_id)
            email_verification.confirm_email(session, user_id)
            record_by_command(session, AuditAction.PERSON_ADDED, user_id, {"role": role.value})
        business.add(person.name, user_id, role, branch_id)


def _register(customer: SampleCustomer, business: Business) -> None:
    """Register, and follow the link in the email."""
    email = f"{customer.name}@{DOMAIN}"
    registration = accounts.prepare_registration(
        email=email,
        password=PASSWORD,
        first_name=customer.first_name,
        last_name=customer.last_name,
        phone=customer.phone or None,
    )
    accepted = [(policy.name, policy.version) for policy in POLICIES.values()]
    if customer.name == UNREACHABLE:
        business.providers.mail.unreachable.add(email)
        accepted = [each for each in accepted if each[0] is not PolicyName.MARKETING]
    with business.transaction() as session:
        opened = accounts.register(session, registration)
        consents.accept_policies_at_registration(session, opened.user.id, accepted)
        if customer.name != UNREACHABLE:
            email_verification.prove_email(session, opened.user.id)
    business.add(customer.name, opened.user.id, Role.USER)
    if customer.phone:
        _verify_phone(business, customer)


def _verify_phone(business: Business, customer: SampleCustomer) -> None:
    """Enter the code that was sent to the phone."""
    with business.transaction() as session:
        phone_verification.request_code(session, business.actor(customer.name))
    business.settle()
    [text] = [
        str(each["body"])
        for each in business.providers.all("twilio", "messages")
        if each["to"] == customer.phone
    ]
    [code] = _CODE.findall(text)
    with business.transaction() as session:
        phone_verification.confirm_code(session, business.actor(customer.name), code)


for _customer in BY_NAME.values():
    PART.add(timedelta(days=_customer.days, hours=4), partial(_register, _customer))
