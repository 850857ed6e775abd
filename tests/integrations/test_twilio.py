"""Twilio's signatures. What is sent is in tests/messages/test_texting.py."""

import base64
import hmac
from urllib.parse import urlencode

import pytest

from app.integrations.twilio.client import TwilioAccount
from app.integrations.twilio.webhook import TwilioWebhookVerifier
from app.providers.errors import WebhookSignatureInvalid
from app.providers.ports import WebhookDelivery

URL = "https://pbcex.example/webhooks/twilio"
ACCOUNT = TwilioAccount("https://api.twilio.com", "AC1", "12345", "+15005550006")
TOLD = {"MessageSid": "SM1", "MessageStatus": "delivered", "AccountSid": "AC1", "To": "+1 2"}
WEBHOOKS = TwilioWebhookVerifier(ACCOUNT, callback_url=URL)


def delivery(body: str, url: str = URL, signature: str | None = None) -> WebhookDelivery:
    return WebhookDelivery(url, {"x-twilio-signature": signature or ""}, body.encode())


def signed(told: dict[str, str], url: str = URL, token: str = "12345") -> str:
    text = url + "".join(f"{name}{told[name]}" for name in sorted(told))
    mac = hmac.new(token.encode(), text.encode(), "sha1")
    return base64.b64encode(mac.digest()).decode()


def test_the_example_of_twilios_documentation() -> None:
    """https://www.twilio.com/docs/usage/security: its address, parameters, token and signature."""
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    told = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    assert signed(told, url) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    webhooks = TwilioWebhookVerifier(ACCOUNT, callback_url=url)
    assert webhooks.verify(delivery(urlencode(told), url, signed(told, url))) == []


@pytest.mark.parametrize("url", [URL, "http://10.0.0.7:4001/webhooks/twilio"])
def test_a_status_that_stays_is_an_event(url: str) -> None:
    [event] = WEBHOOKS.verify(delivery(urlencode(TOLD), url, signed(TOLD)))
    assert (event.id, event.subject, event.task) == ("SM1:delivered", "SM1", "messages.check_text")


@pytest.mark.parametrize(
    "change", [{"MessageStatus": "sending"}, {"AccountSid": "AC2"}, {"MessageStatus": "invented"}]
)
def test_what_does_not_concern_us_is_none(change: dict[str, str]) -> None:
    told = TOLD | change
    assert WEBHOOKS.verify(delivery(urlencode(told), URL, signed(told))) == []


@pytest.mark.parametrize(
    ("body", "signature"),
    [
        (urlencode(TOLD), None),
        (urlencode(TOLD), signed(TOLD, token="another")),
        (urlencode(TOLD), signed(TOLD, url="https://elsewhere.example/webhooks/twilio")),
        (urlencode(TOLD | {"MessageStatus": "failed"}), signed(TOLD)),
        (urlencode(TOLD) + "&To=%2B1+2", signed(TOLD)),
        (urlencode(TOLD), "é"),
        ("no form", signed({})),
        ("{}", signed({})),
    ],
)
def test_what_twilio_did_not_sign_is_forged(body: str, signature: str | None) -> None:
    with pytest.raises(WebhookSignatureInvalid):
        WEBHOOKS.verify(delivery(body, URL, signature))


def test_an_account_does_not_show_its_token() -> None:
    assert "12345" not in repr(ACCOUNT)
