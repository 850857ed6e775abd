"""Money and tokens go out: by every method, with every end."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from app.catalog.rules import TRADABLE, PaymentMethod
from app.funding.withdrawals import service as withdrawals
from app.funding.withdrawals import withdrawal_approval
from app.kit.money import Amount
from app.sample.business import Business
from app.sample.customers import BY_NAME
from app.sample.timeline import Part

PART = Part()

BANK, PHONE = PaymentMethod.BANK, PaymentMethod.MOBILE_MONEY
TOKENS = PaymentMethod.CRYPTO
#: Accounts whose payouts the sandbox's bank fails, or returns.
_CLOSED, _UNKNOWN = "000440000001", "000440000002"


@dataclass(frozen=True, slots=True)
class SampleWithdrawal:
    """A withdrawal of `amount` to a destination of the customer's own: an account number, a phone
    or a wallet address. `thing` names its id for later acts."""

    days: int
    name: str
    method: PaymentMethod
    amount: str
    to: str
    asset: str = "USD"
    thing: str = ""
    minutes: int = 0

    def destination(self) -> dict[str, str]:
        """Return the destination as the customer enters it."""
        customer = BY_NAME[self.name]
        if self.method is PHONE:
            return {"phone": self.to}
        if self.method is TOKENS:
            return {"address": self.to, "network": "ETHEREUM"}
        holder = f"{customer.first_name} {customer.last_name}"
        return {"accountHolder": holder, "accountNumber": self.to, "routingNumber": "110000000"}

    def play(self, business: Business) -> None:
        """Request the withdrawal."""
        with business.transaction() as session:
            withdrawal = withdrawals.request(
                session, business.actor(self.name), method=self.method,
                amount=Amount.parse(TRADABLE[self.asset], self.amount),
                destination=self.destination(),
            )  # fmt: skip
        if self.thing:
            business.things[self.thing] = withdrawal.id


_WALLET, _OTHER_WALLET = "0x" + "a1" * 20, "0x" + "b2" * 20
WITHDRAWALS = (
    SampleWithdrawal(75, "customer", BANK, "2500.00", "000123456789"),
    SampleWithdrawal(72, "james", BANK, "1200.00", "000223456780"),
    SampleWithdrawal(67, "lena", TOKENS, "0.75", _WALLET, "PAXG"),
    SampleWithdrawal(64, "james", PHONE, "120.00", "+254712345677"),
    SampleWithdrawal(59, "lena", TOKENS, "2500", _OTHER_WALLET, "USDC"),
    SampleWithdrawal(55, "felix", BANK, "500.00", _CLOSED),
    SampleWithdrawal(47, "maria", BANK, "700.00", "000323456781"),
    SampleWithdrawal(43, "customer", BANK, "900.00", _UNKNOWN),
    SampleWithdrawal(36, "yuki", BANK, "400.00", "000423456782", thing="cancelled"),
    SampleWithdrawal(30, "customer", BANK, "1800.00", "000123456789"),
    SampleWithdrawal(24, "helena", BANK, "60000.00", "000523456783", thing="released"),
    SampleWithdrawal(17, "james", BANK, "2000.00", "000623456784", thing="rejected"),
    SampleWithdrawal(8, "customer", BANK, "750.00", "000123456789"),
    SampleWithdrawal(1, "helena", BANK, "85000.00", "000523456783", thing="to be approved"),
    SampleWithdrawal(0, "customer", BANK, "15000.00", "000123456789", minutes=190),
    SampleWithdrawal(0, "felix", BANK, "350.00", "000723456785", minutes=150),
    SampleWithdrawal(0, "maria", BANK, "250.00", "000823456786", minutes=45),
)
for _withdrawal in WITHDRAWALS:
    PART.add(timedelta(days=_withdrawal.days, minutes=_withdrawal.minutes), _withdrawal.play)


@PART.ago(days=35, hours=20)
def cancel_yukis(business: Business) -> None:
    """She cancels while it waits for its new destination."""
    with business.transaction() as session:
        withdrawals.cancel(session, business.actor("yuki"), business.things["cancelled"])


@PART.ago(days=23, hours=12)
def release_helenas(business: Business) -> None:
    """Two people release a large one."""
    business.approve("compliance2", _request_release(business, "released", "admin"))


@PART.ago(days=16, hours=20)
def reject_james(business: Business) -> None:
    """Staff reject one that its owner did not expect."""
    with business.transaction() as session:
        withdrawals.reject(
            session, business.actor("compliance"), business.things["rejected"],
            reason="The customer called: it was not them",
        )  # fmt: skip


@PART.ago(hours=20)
def request_helenas_release(business: Business) -> None:
    """A release waits for a second person."""
    _request_release(business, "to be approved", "compliance")


def _request_release(business: Business, thing: str, maker: str) -> UUID:
    with business.transaction() as session:
        return withdrawal_approval.request_release(
            session, business.actor(maker), business.things[thing],
            reason="The customer confirmed it on the phone",
        )  # fmt: skip
