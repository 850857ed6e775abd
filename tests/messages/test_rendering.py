"""Every message renders in each of its channels, from its own facts."""

import re
from dataclasses import replace
from html import unescape

import jinja2
import pytest

from app.catalog.rules import TRADABLE, PaymentMethod
from app.kit.money import UNITS_MAX, Amount
from app.messages import rendering
from app.messages.rendering import Contact, RenderedEmail
from app.notifications.facts import MessageFacts
from app.notifications.kinds import DepositPending, TransferAwaited
from app.notifications.registry import KINDS
from app.notifications.rules import Topic
from app.notifications.service import write_values
from tests.message_samples import BANK, DEPOSIT, FEE, SAMPLES, TOKENS, sample_values
from tests.page_client import Page

#: Characters of a one-part SMS on every phone: the basic table of GSM 03.38 without escapes.
GSM_BASIC = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
SMS_LENGTH_MAX = 160
CONTACT = Contact("https://pbcex.example", "support@pbcex.example")
#: The link of an email, or its code, which is added when the email is composed.
LINK = {"link": "https://pbcex.example/x?token=otk_1.x", "code": "12345678"}

#: How values are written for people that are not shown as a program reads them.
WRITTEN = {
    "amount": "15,000.00 USD",
    "fee": "12.10 USD",
    "owed": "14,000.50 USD",
    "receives": "14,987.90 USD",
    "released": "14,998.00 USD",
    "from_amount": "1,000.00 USD",
    "to_amount": "0.024875 XAU-s",
    "fee_amount": "5.00 USD",
    "limit": "1,000.00 USD",
    "price": "4,008.00 USD an ounce",
    "redeemed": "2.5000 XAU-s",
    "costs": "124.95 USD",
    "metal": "2.0000 XAU-s",
    "dollars": "124.95 USD",
    "total": "21,323.72 USD",
    "transfer": "4,155.00 USD",
    "until": "22 Nov 2026",
    "expected_on": "5 Dec 2026",
    "kept_until": "2 Jan 2033",
    "role": "Teller",
}
#: Values that are written with another one.
NOT_SHOWN = frozenset({"owed_asset", "limit_asset", "released_asset"})
#: Values that jobs staged before there were fees, or before passwords and keys were counted
#: together, do without.
OPTIONAL = frozenset({"api_keys", "fee", "receives", "released"})


def names_of(messages: tuple[MessageFacts, ...]) -> list[str]:
    return [type(message).__name__ for message in messages]


def written(name: str, value: str) -> list[str]:
    """Return the texts as which a sample value is written for people."""
    if name.endswith("_at") or name == "payable_from":
        return ["28 Nov 2026, 23:21 UTC"]
    if name == "method":
        return [PaymentMethod(value).label]
    if name == "network":
        return ["Ethereum"]
    return [WRITTEN[name]] if name in WRITTEN else value.splitlines()


def render_every_channel(kind: str, values: dict[str, str]) -> list[str]:
    """Return the kind's text in each of its channels."""
    email = rendering.render_email(kind, values, CONTACT)
    texts = [email.subject + email.body, email.html]
    if KINDS[kind].in_inbox:
        inbox = rendering.render_inbox(kind, values)
        texts.append(inbox.subject + inbox.body)
    if KINDS[kind].sms_version:
        texts.append(rendering.render_sms(kind, values))
    return texts


WITH_EMAIL = [message for message in SAMPLES if not message.kind.sms_only]


@pytest.mark.parametrize("message", WITH_EMAIL, ids=names_of(WITH_EMAIL))
def test_every_fact_is_shown_and_required(message: MessageFacts) -> None:
    values, kind = write_values(message), message.kind.name
    texts = "".join(render_every_channel(kind, values | LINK))
    # A transfer is announced with the account to pay into instead of its method.
    required = (
        values.keys() - NOT_SHOWN - ({"method"} if isinstance(message, TransferAwaited) else set())
    )
    for name in required:
        for text in written(name, values[name]):
            assert text in texts
        others = {other: text for other, text in values.items() if other != name}
        if name not in OPTIONAL:
            with pytest.raises(jinja2.UndefinedError, match=name):
                render_every_channel(kind, others | LINK)


def test_jobs_staged_before_owed_and_limit_named_their_asset_are_rendered() -> None:
    for kind, name in (("deposit_disputed", "owed"), ("kyc_approved", "limit")):
        values = sample_values(kind)
        del values[f"{name}_asset"]
        assert WRITTEN[name] in rendering.render_inbox(kind, values).body


PENDING = (
    TransferAwaited(replace(DEPOSIT, method=PaymentMethod.BANK), FEE, BANK, 10),
    TransferAwaited(replace(DEPOSIT, method=PaymentMethod.CRYPTO), FEE, TOKENS, 10),
    DepositPending(replace(DEPOSIT, method=PaymentMethod.MOBILE_MONEY), FEE),
    DepositPending(replace(DEPOSIT, method=PaymentMethod.CARD), FEE),
)


@pytest.mark.parametrize("pending", PENDING, ids=[message.terms.method for message in PENDING])
def test_pending_deposit_says_how_to_pay_by_its_method(pending: DepositPending) -> None:
    values, method = write_values(pending), pending.terms.method
    message = rendering.render_inbox("deposit_pending", values)
    for name in values.keys() - write_values(DEPOSIT).keys() - write_values(FEE).keys():
        assert values[name].lower() in message.body.lower()
        missing = {other: text for other, text in values.items() if other != name}
        with pytest.raises(jinja2.UndefinedError, match=name):
            rendering.render_inbox("deposit_pending", missing)
    assert message.subject.startswith(
        {"card": "Your deposit", "mobile_money": "Confirm"}.get(method, "How to pay in")
    )
    # Nothing was received yet.
    assert "has arrived" not in message.body.replace("when the money has arrived", "")
    assert len(rendering.render_sms("deposit_pending", values)) <= SMS_LENGTH_MAX


def longest_values(kind: str) -> dict[str, str]:
    amounts = [str(Amount(asset, UNITS_MAX)) for asset in TRADABLE.values()]
    sample = sample_values(kind)
    values = {name: max(amounts, key=len) for name in sample}
    codes = {name: max(TRADABLE, key=len) for name in values if name.endswith("asset")}
    others = {"method": "mobile_money", "about": "your company", "until": "2026-11-22"}
    return values | codes | {name: text for name, text in others.items() if name in values}


@pytest.mark.parametrize("kind", sorted(kind for kind in KINDS if KINDS[kind].sms_version))
def test_sms_has_one_part_on_every_phone(kind: str) -> None:
    values = {"code": "123456"} if KINDS[kind].sms_only else longest_values(kind)
    text = rendering.render_sms(kind, values)
    assert set(text) <= GSM_BASIC
    assert len(text) <= SMS_LENGTH_MAX, len(text)


def test_rendering_for_a_channel_without_template_is_refused() -> None:
    with pytest.raises(LookupError):
        rendering.render_inbox("reset_password", LINK)
    with pytest.raises(LookupError):
        rendering.render_sms("reset_password", LINK)
    with pytest.raises(LookupError):
        rendering.render_inbox("../x", {})


class TestTexts:
    LINK = "https://pbcex.example/auth/reset-password?token=otk_1.x"

    def render(self, kind: str, **changes: str) -> RenderedEmail:
        values = {**sample_values(kind), "code": "12345678", "link": self.LINK, **changes}
        return rendering.render_email(kind, values, CONTACT)

    @pytest.mark.parametrize("kind", sorted(kind for kind in KINDS if not KINDS[kind].sms_only))
    def test_html_has_the_words_of_the_plain_text(self, kind: str) -> None:
        email = self.render(kind)
        page = Page(email.html)
        assert email.subject
        [heading] = re.findall("<h1>(.*)</h1>", email.html)
        assert unescape(heading) == email.subject
        # Without blanks: the value of a fact is in a cell of its own.
        shown = "".join(page.visible_text.split()).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
        for line in email.body.splitlines():
            text = line.removeprefix("- ").removesuffix(":")
            assert "".join(text.split()) in shown, text
        assert (self.LINK in email.body) == (f'href="{self.LINK}"' in email.html)

    @pytest.mark.parametrize("kind", sorted(kind for kind in KINDS if not KINDS[kind].sms_only))
    def test_html_loads_and_runs_nothing(self, kind: str) -> None:
        html = self.render(kind).html
        for word in ("<script", " style=", "src=", "url(", "@import", "<link", "{{", "None"):
            assert word not in html

    @pytest.mark.parametrize("kind", sorted(kind for kind in KINDS if not KINDS[kind].sms_only))
    def test_email_says_why_it_was_sent_and_whom_to_ask(self, kind: str) -> None:
        email, cause = self.render(kind), KINDS[kind].email_cause
        is_chosen = KINDS[kind].topic not in {Topic.SECURITY, Topic.DUTIES}
        for text in (email.body, " ".join(Page(email.html).visible_text.split())):
            assert f"You receive this email because {cause}." in text
            assert ("You can turn off emails of this kind" in text) == is_chosen
            assert "Questions? Write to support@pbcex.example." in text

    def test_blocks_of_the_text_become_facts_lists_and_buttons(self) -> None:
        assert (
            '<tr><th scope="row">You paid</th><td>1,000.00 USD</td></tr>'
            in self.render("trade_confirmed").html
        )
        reasons = self.render("kyc_rejected", reasons="No date.\nNo name.").html
        assert "<li>No date.</li>\n        <li>No name.</li>" in reasons
        reset = self.render("reset_password").html
        assert f'<a class="button" href="{self.LINK}">Choose a new password</a>' in reset
        assert f"<br><span>{self.LINK}</span></p>" in reset

    def test_url_in_a_value_does_not_become_a_link(self) -> None:
        other = "https://evil.example/"
        email = self.render("deposit_failed", reason=f"Click\n{other}")
        assert f'href="{other}' not in email.html
        assert other in email.html

    def test_password_changed_staged_without_key_count_can_be_sent(self) -> None:
        values = {"changed_at": sample_values("password_changed")["changed_at"]}
        without_count = rendering.render_email("password_changed", values, CONTACT)
        assert "API keys that are still" not in without_count.body
        with_count = self.render("password_changed")
        assert "API keys that are still active: 3." in with_count.body
        assert "API keys that are still active: 3." in with_count.html

    def test_html_is_escaped_and_plain_text_is_not(self) -> None:
        email = self.render("trade_confirmed", order="<img src=x onerror=alert(1)>&")
        assert "<img" not in email.html
        assert "&lt;img src=x onerror=alert(1)&gt;&amp;" in email.html
        assert "<img src=x onerror=alert(1)>&" in email.body

    def test_subject_is_always_one_line(self) -> None:
        email = self.render("kyc_rejected", about="you\r\nBcc: all@example.com")
        assert email.subject.isprintable()

    def test_email_to_an_unconfirmed_address_contains_no_text_of_the_requester(self) -> None:
        for kind in ("confirm_email", "reset_password"):
            rendering.render_email(kind, {"link": self.LINK}, CONTACT)

    @pytest.mark.parametrize(
        ("from_asset", "to_asset", "price", "text"),
        [
            ("USD", "XAU-s", "4008.000000", "4,008.00 USD an ounce"),
            ("XCU-s", "USDC", "0.312500", "0.3125 USD an ounce"),
            ("XAU-s", "XAG-s", "80.12345678", "80.12345678 XAG-s per XAU-s"),
            ("USD", "USDC", "1", "1.00 USDC per USD"),
        ],
    )
    def test_price_of_an_order_has_its_unit(self, from_asset, to_asset, price, text) -> None:
        email = self.render(
            "trade_confirmed", from_asset=from_asset, to_asset=to_asset, price=price
        )
        assert f"Price         {text}\n" in email.body
