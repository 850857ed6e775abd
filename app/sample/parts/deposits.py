"""Money and tokens come in: by every method, with every end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from app.catalog.rules import TRADABLE, PaymentMethod
from app.funding.deposits import queries as deposit_queries
from app.funding.deposits import service as deposits
from app.kit import ids
from app.kit.money import Amount
from app.sample.business import Business
from app.sample.timeline import Part

PART = Part()

CARD, BANK = PaymentMethod.CARD, PaymentMethod.BANK
PHONE, TOKENS = PaymentMethod.MOBILE_MONEY, PaymentMethod.CRYPTO
#: The ends that come later.
_TAKEN_BACK, _TAKEN_BACK_AFTER = frozenset({"lost", "disputed", "refunded"}), timedelta(days=4)
_DECLINED, _CONFIRM = "pm_card_chargeDeclined", "pm_card_authenticationRequired"


@dataclass(frozen=True, slots=True)
class SampleDeposit:
    """A deposit of `amount`; `end` is what becomes of it, if it is not credited as announced."""

    days: int
    name: str
    method: PaymentMethod
    amount: str
    end: str = ""
    asset: str = "USD"
    source: str = ""
    #: What arrives, where it is another amount.
    arriving: str = ""

    def play(self, business: Business) -> None:
        """Announce the deposit, and let the payment happen."""
        source = self.source or ("pm_card_visa" if self.method is CARD else "")
        with business.transaction() as session:
            deposit = deposits.request(
                session, business.actor(self.name), method=self.method,
                amount=Amount.parse(TRADABLE[self.asset], self.amount), source=source,
            )  # fmt: skip
        business.settle()
        if self.end == "cancelled":
            with business.transaction() as session:
                deposits.cancel(session, business.actor(self.name), deposit.id)
        elif self.end != "announced" and self.method in {BANK, TOKENS}:
            with business.transaction() as session:
                instructions = deposit_queries.deposit(session, deposit.id).instructions
            self._arrive(business, instructions)
        business.things[self.thing] = deposit.id

    def take_back(self, business: Business) -> None:
        """Let the customer's bank, or the processor's dashboard, take the card payment back."""
        reference = ids.encode("dep", business.things[self.thing])
        payments = business.providers.all("stripe", "payment_intent")
        payment = next(str(each["id"]) for each in payments if reference in str(each))
        control = "/refunds" if self.end == "refunded" else "/disputes"
        made = business.providers.control("stripe", control, payment=payment)
        if self.end == "lost":
            business.settle()
            business.providers.control("stripe", f"/disputes/{made['id']}/close", outcome="lost")

    @property
    def thing(self) -> str:
        """The name of its id."""
        return f"deposit {self.name} {self.days}"

    def _arrive(self, business: Business, instructions: Mapping[str, str]) -> None:
        if self.method is TOKENS:
            address = instructions["address"]
            business.providers.control(
                _custodian_of(business, address), "/arrivals",
                address=address, asset=self.asset, amount=self.amount,
            )  # fmt: skip
            return
        arrival = business.providers.control(
            "bank",
            "/arrivals",
            account_number=instructions["accountNumber"],
            amount=self.arriving or self.amount,
        )
        if self.end == "returned":
            business.settle()
            business.providers.control("bank", f"/arrivals/{arrival['id']}/return")


def _custodian_of(business: Business, address: str) -> str:
    return next(
        name
        for name in ("paxos", "anchorage", "primetrust")
        if address in str(business.providers.all(name, "address"))
    )


DEPOSITS = (
    SampleDeposit(86, "customer", BANK, "45000.00"),
    SampleDeposit(85, "maria", CARD, "2500.00"),
    SampleDeposit(84, "helena", BANK, "240000.00"),
    SampleDeposit(83, "james", PHONE, "300.00", source="+254712345677"),
    SampleDeposit(82, "customer", TOKENS, "2", asset="PAXG"),
    SampleDeposit(81, "lena", TOKENS, "6.5", asset="PAXG"),
    SampleDeposit(80, "james", BANK, "9500.00"),
    SampleDeposit(78, "felix", BANK, "9000.00"),
    SampleDeposit(74, "maria", CARD, "800.00", "refunded"),
    SampleDeposit(70, "lena", TOKENS, "15000", asset="USDC"),
    SampleDeposit(66, "maria", BANK, "6000.00"),
    SampleDeposit(60, "yuki", CARD, "1200.00"),
    SampleDeposit(56, "george", CARD, "1500.00", "lost"),
    SampleDeposit(52, "helena", BANK, "180000.00"),
    SampleDeposit(48, "yuki", BANK, "8500.00"),
    SampleDeposit(45, "james", BANK, "8000.00"),
    SampleDeposit(44, "james", PHONE, "250.00", source="+254712345677"),
    SampleDeposit(41, "maria", CARD, "400.00", source=_DECLINED),
    SampleDeposit(38, "customer", BANK, "12000.00"),
    SampleDeposit(31, "felix", BANK, "3000.00", "returned"),
    SampleDeposit(28, "maria", BANK, "9500.00", arriving="12500.00"),
    SampleDeposit(27, "lena", BANK, "20000.00"),
    SampleDeposit(22, "helena", BANK, "240000.00"),
    SampleDeposit(13, "maria", BANK, "500.00", "cancelled"),
    SampleDeposit(11, "victor", CARD, "900.00"),
    SampleDeposit(6, "yuki", CARD, "650.00", "disputed"),
    SampleDeposit(2, "customer", CARD, "300.00"),
)
for _deposit in DEPOSITS:
    PART.add(timedelta(days=_deposit.days), _deposit.play)
    if _deposit.end in _TAKEN_BACK:
        PART.add(timedelta(days=_deposit.days) - _TAKEN_BACK_AFTER, _deposit.take_back)

#: What waits for the customer or their bank.
_WAITING = (
    SampleDeposit(0, "maria", BANK, "1500.00", "announced"),
    SampleDeposit(0, "lena", TOKENS, "0.8", "announced", asset="PAXG"),
    SampleDeposit(0, "yuki", CARD, "220.00", source=_CONFIRM),
)
for _position, _deposit in enumerate(_WAITING, 1):
    PART.add(timedelta(minutes=5 * _position), _deposit.play)


@PART.ago(days=1, hours=3)
def receive_unsupported_tokens(business: Business) -> None:
    """Tokens that we do not take arrive at a customer's address."""
    [address, *_] = [each["address"] for each in business.providers.all("paxos", "address")]
    business.providers.control("paxos", "/arrivals", address=address, asset="USDT", amount="125")
