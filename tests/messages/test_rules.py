"""The values of each kind: every channel has a template, and needs what the kind declares."""

import jinja2
import pytest

from app.catalog.rules import TRADABLE
from app.kit.money import UNITS_MAX, Amount
from app.messages import rules as messages_rules
from app.messages.rules import KINDS

#: Characters of a one-part SMS on every phone: the basic table of GSM 03.38 without escapes.
GSM_BASIC = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
SMS_LENGTH_MAX = 160
#: The link of an email, which is added when the email is composed.
LINK = {"link": "https://pbcex.example/x?token=otk_1.x"}


def sample_values(kind: str) -> dict[str, str]:
    """Return values for a kind, each different from the others."""
    values = {name: f"value of {name.replace('_', ' ')}" for name in KINDS[kind].values}
    return values | ({"method": "mobile_money"} if "method" in values else {})


def render_every_channel(kind: str, values: dict[str, str]) -> list[str]:
    """Return the kind's text in each of its channels."""
    texts, message_kind = [], KINDS[kind]
    if message_kind.inbox_version:
        inbox = messages_rules.render_inbox(kind, values)
        texts.append(inbox.subject + inbox.body)
    if message_kind.email_version:
        email = messages_rules.render_email(kind, values)
        texts += [email.subject + email.body, email.html]
    if message_kind.sms_version:
        texts.append(messages_rules.render_sms(kind, values))
    return texts


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_declared_value_is_shown_and_required(kind: str) -> None:
    values = sample_values(kind) | LINK
    texts = "".join(render_every_channel(kind, values))
    for name in KINDS[kind].values:
        # `redeems` switches a sentence on and is not shown itself.
        assert (
            name == "redeems"
            or messages_rules.METHOD_LABELS.get(values[name], values[name]) in texts
        )
        with pytest.raises(jinja2.UndefinedError, match=name):
            render_every_channel(
                kind,
                {other_name: text for other_name, text in values.items() if other_name != name},
            )


def longest_values(kind: str) -> dict[str, str]:
    amounts = [str(Amount(asset, UNITS_MAX)) for asset in TRADABLE.values()]
    values = {name: max(amounts, key=len) for name in KINDS[kind].values}
    codes = {name: max(TRADABLE, key=len) for name in values if name.endswith("asset")}
    others = {"method": "mobile_money", "about": "your company", "until": "2026-11-22"}
    return values | codes | {name: text for name, text in others.items() if name in values}


@pytest.mark.parametrize("kind", sorted(kind for kind in KINDS if KINDS[kind].sms_version))
def test_sms_has_one_part_on_every_phone(kind: str) -> None:
    text = messages_rules.render_sms(kind, longest_values(kind))
    assert set(text) <= GSM_BASIC
    assert len(text) <= SMS_LENGTH_MAX, len(text)


def test_rendering_for_a_channel_without_template_is_refused() -> None:
    with pytest.raises(LookupError):
        messages_rules.render_inbox("reset_password", LINK)
    with pytest.raises(LookupError):
        messages_rules.render_sms("reset_password", LINK)
    with pytest.raises(LookupError):
        messages_rules.render_inbox("../x", {})
