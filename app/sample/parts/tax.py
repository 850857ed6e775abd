"""Sales tax: a dealer's exemption certificate, and a rule that waits for a second person."""

from datetime import timedelta

from app.catalog.rules import Metal
from app.catalog.tax_classes import TaxClass
from app.kit import clock
from app.sample.business import Business
from app.sample.timeline import Part
from app.tax import service as tax
from app.tax.certificates import service as certificates
from app.tax.certificates.rules import CertificateGround, CertificateHolder
from app.tax.certificates.service import NewCertificate
from app.tax.rules import TaxRuleKey
from app.tax.service import NewTaxRule
from app.tax.states import UsState

PART = Part()


@PART.ago(days=80)
def exempt_harbour_jewellers(business: Business) -> None:
    """Two people look at the certificate of a company that sells what it buys."""
    certificate = NewCertificate(
        business.people["helena"].user_id, UsState.CA, CertificateHolder.COMPANY,
        CertificateGround.RESALE, "SR-102-778421",
        clock.now().date() + timedelta(days=900), "certificates/2026/0004",
    )  # fmt: skip
    with business.transaction() as session:
        approval_id = certificates.record_certificate(
            session, business.actor("compliance"), certificate, reason="Sent with their first order"
        )
    business.approve("compliance2", approval_id)


@PART.ago(days=1, hours=4)
def request_a_rule(business: Business) -> None:
    """A state that exempts bars is taxed until two people have compared the rule with the law."""
    rule = NewTaxRule(
        TaxRuleKey(UsState.TX, TaxClass.BULLION, Metal.AU), rate="0", exempt_from="",
        threshold=None, valid_from=clock.now().date(), valid_until=None,
        source="Texas Tax Code 151.336", source_url="https://statutes.capitol.texas.gov",
        source_date=clock.now().date() - timedelta(days=2),
    )  # fmt: skip
    with business.transaction() as session:
        tax.request_rule(
            session, business.actor("compliance"), rule, reason="Customers in Texas ask for it"
        )
