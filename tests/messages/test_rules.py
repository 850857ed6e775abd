"""What each kind is told with: every way has its template, and needs what the kind declares."""

import jinja2
import pytest

from app.catalog.rules import TRADABLE
from app.kit.money import UNITS_MAX, Amount
from app.messages import rules as messages_rules
from app.messages.rules import KINDS

#: What every phone can show in one part: GSM 03.38's basic table, without its escapes.
GSM_BASIC = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
SMS_LENGTH_MAX = 160
#: Given beside the declared ones, where the mail itself makes it.
LINK = {"link": "https://pbcex.example/x?token=otk_1.x"}


def given_for(kind: str) -> dict[str, str]:
    """What a caller gives for this kind, each value different from the others."""
    given = {name: f"what is {name.replace('_', ' ')}" for name in KINDS[kind].values}
    return given | ({"method": "mobile_money"} if "method" in given else {})


def told(kind: str, values: dict[str, str]) -> list[str]:
    """The kind's text by each way that it is told."""
    texts, how = [], KINDS[kind]
    if how.inbox_version:
        inbox = messages_rules.render_inbox(kind, values)
        texts.append(inbox.subject + inbox.body)
    if how.email_version:
        mail = messages_rules.render_email(kind, values)
        texts += [mail.subject + mail.body, mail.html]
    if how.sms_version:
        texts.append(messages_rules.render_sms(kind, values))
    return texts


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_is_told_with_what_it_declares_and_needs_all_of_it(kind: str) -> None:
    given = given_for(kind) | LINK
    texts = "".join(told(kind, given))
    for name in KINDS[kind].values:
        # That something is redeemed with it is said in words of ours.
        assert (
            name == "redeems" or messages_rules.METHOD_LABELS.get(given[name], given[name]) in texts
        )
        with pytest.raises(jinja2.UndefinedError, match=name):
            told(kind, {other: text for other, text in given.items() if other != name})


def longest_for(kind: str) -> dict[str, str]:
    amounts = [str(Amount(asset, UNITS_MAX)) for asset in TRADABLE.values()]
    given = {name: max(amounts, key=len) for name in KINDS[kind].values}
    codes = {name: max(TRADABLE, key=len) for name in given if name.endswith("asset")}
    others = {"method": "mobile_money", "about": "your company", "until": "2026-11-22"}
    return given | codes | {name: text for name, text in others.items() if name in given}


@pytest.mark.parametrize("kind", sorted(each for each in KINDS if KINDS[each].sms_version))
def test_a_text_message_has_one_part_on_every_phone(kind: str) -> None:
    text = messages_rules.render_sms(kind, longest_for(kind))
    assert set(text) <= GSM_BASIC
    assert len(text) <= SMS_LENGTH_MAX, len(text)


def test_a_kind_that_is_not_told_by_a_way_has_no_text_there() -> None:
    with pytest.raises(LookupError):
        messages_rules.render_inbox("reset_password", LINK)
    with pytest.raises(LookupError):
        messages_rules.render_sms("reset_password", LINK)
    with pytest.raises(LookupError):
        messages_rules.render_inbox("../x", {})
