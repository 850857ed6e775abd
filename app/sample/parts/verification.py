"""Customers are verified: by the provider, by staff with documents, and not at all."""

from datetime import timedelta
from functools import partial

from app.kit.db import Session
from app.kyc import queries as kyc_queries
from app.kyc.evidence import documents
from app.kyc.queries import VerificationRow
from app.kyc.review import service as review
from app.kyc.rules import DocumentPurpose, ReasonCode, VerificationKind
from app.kyc.submission import service as submission
from app.privacy import erasure
from app.sample.business import Business
from app.sample.customers import BY_NAME, company
from app.sample.pictures import draw_document
from app.sample.timeline import Part

PART = Part()

#: How many days before now the provider verifies a customer, and with what result.
_SUBMISSIONS = (
    (88, "customer", "success"),
    (87, "maria", "pending_review"),
    (85, "james", "success"),
    (83, "lena", "success"),
    (86, "helena", "success"),
    (79, "felix", "success"),
    (61, "yuki", "success"),
    (57, "george", "success"),
    (39, "peter", "failed"),
    (34, "rosa", "active"),
    (20, "tomas", "pending_review"),
    (18, "tomas", "pending_review"),
    (14, "victor", "success"),
    (8, "amara", "pending_review"),
    (1, "nora", "active"),
)
_TIER_3_DOCUMENTS = {
    DocumentPurpose.IDENTITY: "Passport",
    DocumentPurpose.ADDRESS: "Electricity bill",
    DocumentPurpose.FUNDS: "Statement of account",
}
_COMPANY_DOCUMENTS = {
    DocumentPurpose.REGISTRATION: "Certificate of formation",
    DocumentPurpose.OWNERSHIP: "Register of members",
}


def _submit(name: str, result: str, business: Business) -> None:
    """Submit the identity; the provider has its result at once."""
    business.providers.control("plaid", "/next", status=result)
    with business.transaction() as session:
        submission.submit(session, business.actor(name), BY_NAME[name].identity())


for _days, _name, _result in _SUBMISSIONS:
    PART.add(timedelta(days=_days, hours=2), partial(_submit, _name, _result))


def _send(business: Business, name: str, titles: dict[DocumentPurpose, str]) -> None:
    """Send pictures of documents, and wait for their check."""
    customer = BY_NAME[name]
    holder = f"{customer.first_name} {customer.last_name}"
    for purpose, title in titles.items():
        picture = draw_document(
            title, holder, f"born {customer.born}", f"{customer.street}, {customer.city}"
        )
        upload = documents.check_upload(picture, name="picture.jpg")
        with business.transaction() as session:
            documents.add_document(session, business.actor(name), purpose=purpose, upload=upload)
    business.settle()


def _latest(
    session: Session, business: Business, name: str, kind: VerificationKind
) -> VerificationRow:
    verifications = kyc_queries.verifications_of(session, business.people[name].user_id)
    return next(each for each in verifications if each.kind is kind)


def _approve(business: Business, name: str, kind: VerificationKind, maker: str) -> None:
    """Approve the open verification; of two people, the maker's request is remembered."""
    with business.transaction() as session:
        verification = _latest(session, business, name, kind)
        approval_id = review.approve(
            session, business.actor(maker), verification.id, reason="The evidence is complete"
        )
    if approval_id is not None:
        business.things[f"approval {name}"] = approval_id


@PART.ago(days=86, hours=20)
def review_maria(business: Business) -> None:
    """Staff want a sharper picture, and approve with it."""
    with business.transaction() as session:
        verification = _latest(session, business, "maria", VerificationKind.IDENTITY)
        review.request_more_information(
            session, business.actor("support"), verification.id,
            reasons=[ReasonCode.IDENTITY_DOCUMENT], reason="The provider could not decide",
        )  # fmt: skip
    _send(business, "maria", {DocumentPurpose.IDENTITY: "Passport"})
    _approve(business, "maria", VerificationKind.IDENTITY, "support")


def _raise_to_tier_3(name: str, business: Business) -> None:
    """Send the documents for tier 3; two people approve."""
    _send(business, name, _TIER_3_DOCUMENTS)
    _approve(business, name, VerificationKind.ENHANCED, "support")
    business.approve("compliance", business.things[f"approval {name}"])


for _days, _name in ((87, "customer"), (82, "lena"), (85, "helena")):
    PART.add(timedelta(days=_days), partial(_raise_to_tier_3, _name))


def _submit_company(name: str, legal_name: str, number: str, business: Business) -> None:
    """Submit the company with its documents."""
    with business.transaction() as session:
        submission.submit_business(
            session, business.actor(name), company(legal_name, number, BY_NAME[name])
        )
    _send(business, name, _COMPANY_DOCUMENTS)


@PART.ago(days=84, hours=12)
def verify_harbour_jewellers(business: Business) -> None:
    """Two people approve a company."""
    _submit_company("helena", "Harbour Jewellers LLC", "CA-2014-118822", business)
    _approve(business, "helena", VerificationKind.BUSINESS, "compliance")
    business.approve("compliance2", business.things["approval helena"])


@PART.ago(days=33)
def close_rosas_account(business: Business) -> None:
    """She closes her account before she is verified."""
    with business.transaction() as session:
        erasure.erase_own_account(session, business.actor("rosa"))
    del business.people["rosa"]


@PART.ago(days=19)
@PART.ago(days=17)
def ask_tomas_for_a_document(business: Business) -> None:
    """He sends none, but submits once more, and is asked again."""
    with business.transaction() as session:
        verification = _latest(session, business, "tomas", VerificationKind.IDENTITY)
        review.request_more_information(
            session, business.actor("support2"), verification.id,
            reasons=[ReasonCode.IDENTITY_DOCUMENT], reason="The provider could not decide",
        )  # fmt: skip


@PART.ago(days=12)
def submit_osei_mining(business: Business) -> None:
    """A company waits for a decision."""
    _submit_company("victor", "Osei Mining Supplies LLC", "AZ-2019-004417", business)


@PART.ago(days=7)
def send_amaras_document(business: Business) -> None:
    """An identity waits for a decision, with its document."""
    _send(business, "amara", {DocumentPurpose.IDENTITY: "Passport"})


@PART.ago(days=3)
def request_yukis_tier_3(business: Business) -> None:
    """Tier 3 waits for a second person."""
    _send(business, "yuki", _TIER_3_DOCUMENTS)
    _approve(business, "yuki", VerificationKind.ENHANCED, "support")


@PART.ago(days=2)
def check_yuki_at_the_counter(business: Business) -> None:
    """The teller has seen her passport."""
    with business.transaction() as session:
        verification = _latest(session, business, "yuki", VerificationKind.IDENTITY)
        review.record_id_check(
            session, business.actor("teller"), verification.id, reason="Passport seen"
        )
