"""The values of each kind: every channel has a template, and needs what the kind declares."""

import jinja2
import pytest

from app.catalog.rules import TRADABLE
from app.kit.money import UNITS_MAX, Amount
from app.messages import rendering
from app.messages.rendering import Contact
from app.messages.rules import DEPOSIT_INSTRUCTIONS, KINDS, METHOD_LABELS

#: Characters of a one-part SMS on every phone: the basic table of GSM 03.38 without escapes.
GSM_BASIC = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
SMS_LENGTH_MAX = 160
CONTACT = Contact("https://pbcex.example", "support@pbcex.example")
#: The link of an email, which is added when the email is composed.
LINK = {"link": "https://pbcex.example/x?token=otk_1.x"}


#: Values that are written for people, and how.
WRITTEN = {
    "amount": ("15000.00", "15,000.00 USD"),
    "owed": ("14000.50", "14,000.50 USD"),
    "from_amount": ("1000.00", "1,000.00 USD"),
    "to_amount": ("0.02487500", "0.024875 XAU-s"),
    "fee_amount": ("5.00", "5.00 USD"),
    "limit": ("1000.00", "1,000.00 USD"),
    "price": ("4008.000000", "4,008.00 USD an ounce"),
    "until": ("2026-11-22", "22 Nov 2026"),
    "kept_until": ("2033-01-02", "2 Jan 2033"),
    "method": ("mobile_money", "mobile money"),
}
ASSETS = {"asset": "USD", "from_asset": "USD", "to_asset": "XAU-s", "fee_asset": "USD"}


def sample_values(kind: str) -> dict[str, str]:
    """Return values for a kind, each different from the others."""
    values = {}
    for name in KINDS[kind].values:
        if name.endswith("_at"):
            values[name] = "2026-11-28T23:21:45.123Z"
        elif name in WRITTEN:
            values[name] = WRITTEN[name][0]
        else:
            values[name] = ASSETS.get(name, f"value of {name.replace('_', ' ')}")
    return values


def written(name: str, value: str) -> str:
    """Return how a sample value is written for people."""
    if name.endswith("_at"):
        return "28 Nov 2026, 23:21 UTC"
    return WRITTEN[name][1] if name in WRITTEN else value


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


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_declared_value_is_shown_and_required(kind: str) -> None:
    values = sample_values(kind) | LINK
    texts = "".join(render_every_channel(kind, values))
    for name in KINDS[kind].values:
        # `redeems` switches a sentence on and is not shown itself.
        assert name == "redeems" or written(name, values[name]) in texts
        with pytest.raises(jinja2.UndefinedError, match=name):
            render_every_channel(
                kind,
                {other_name: text for other_name, text in values.items() if other_name != name},
            )


INSTRUCTIONS = {
    "account_number": "000123456789",
    "routing_number": "110000000",
    "bank_name": "First Bank",
    "network": "ETHEREUM",
    "address": "0x71C7656EC7ab88b098defB751B7401B5f6d8976F",
}


@pytest.mark.parametrize("method", sorted(METHOD_LABELS))
def test_pending_deposit_says_how_to_pay_by_its_method(method: str) -> None:
    names = DEPOSIT_INSTRUCTIONS.get(method, ())
    values = sample_values("deposit_pending") | {"method": method}
    known = {name: INSTRUCTIONS[name] for name in names}
    message = rendering.render_inbox("deposit_pending", values | known)
    for name in names:
        assert INSTRUCTIONS[name].lower() in message.body.lower()
        missing = values | {other: text for other, text in known.items() if other != name}
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
    values = {name: max(amounts, key=len) for name in KINDS[kind].values}
    codes = {name: max(TRADABLE, key=len) for name in values if name.endswith("asset")}
    others = {"method": "mobile_money", "about": "your company", "until": "2026-11-22"}
    return values | codes | {name: text for name, text in others.items() if name in values}


@pytest.mark.parametrize("kind", sorted(kind for kind in KINDS if KINDS[kind].sms_version))
def test_sms_has_one_part_on_every_phone(kind: str) -> None:
    text = rendering.render_sms(kind, longest_values(kind))
    assert set(text) <= GSM_BASIC
    assert len(text) <= SMS_LENGTH_MAX, len(text)


def test_rendering_for_a_channel_without_template_is_refused() -> None:
    with pytest.raises(LookupError):
        rendering.render_inbox("reset_password", LINK)
    with pytest.raises(LookupError):
        rendering.render_sms("reset_password", LINK)
    with pytest.raises(LookupError):
        rendering.render_inbox("../x", {})
