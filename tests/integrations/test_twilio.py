"""Twilio's callback signatures. Sending is tested in tests/messages/test_sms_delivery.py."""

import base64
import hmac
from urllib.parse import urlencode

import pytest

from app.integrations.twilio.client import TwilioAccount
from app.integrations.twilio.webhook import TwilioWebhookVerifier
from app.messages.ports import SmsDeliveryChanged
from app.providers.errors import WebhookSignatureInvalid
from app.providers.ports import WebhookDelivery

URL = "https://pbcex.example/webhooks/twilio"
ACCOUNT = TwilioAccount("https://api.twilio.com", "AC1", "12345", "+15005550006")
PARAMETERS = {"MessageSid": "SM1", "MessageStatus": "delivered", "AccountSid": "AC1", "To": "+1 2"}
VERIFIER = TwilioWebhookVerifier(ACCOUNT, callback_url=URL)


def delivery(body: str, url: str = URL, signature: str | None = None) -> WebhookDelivery:
    return WebhookDelivery(url, {"x-twilio-signature": signature or ""}, body.encode())


def sign(parameters: dict[str, str], url: str = URL, token: str = "12345") -> str:
    text = url + "".join(f"{name}{parameters[name]}" for name in sorted(parameters))
    mac = hmac.new(token.encode(), text.encode(), "sha1")
    return base64.b64encode(mac.digest()).decode()


def test_example_of_twilio_documentation_is_verified() -> None:
    """https://www.twilio.com/docs/usage/security: its URL, parameters, token and signature."""
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    parameters = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    assert sign(parameters, url) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    verifier = TwilioWebhookVerifier(ACCOUNT, callback_url=url)
    assert verifier.verify(delivery(urlencode(parameters), url, sign(parameters, url))) == []


@pytest.mark.parametrize("url", [URL, "http://10.0.0.7:4001/webhooks/twilio"])
def test_final_status_becomes_event(url: str) -> None:
    [event] = VERIFIER.verify(delivery(urlencode(PARAMETERS), url, sign(PARAMETERS)))
    assert (event.id, event.subject, event.fact) == ("SM1:delivered", "SM1", SmsDeliveryChanged)


@pytest.mark.parametrize(
    "change", [{"MessageStatus": "sending"}, {"AccountSid": "AC2"}, {"MessageStatus": "invented"}]
)
def test_other_status_or_account_is_ignored(change: dict[str, str]) -> None:
    parameters = PARAMETERS | change
    assert VERIFIER.verify(delivery(urlencode(parameters), URL, sign(parameters))) == []


@pytest.mark.parametrize(
    ("body", "signature"),
    [
        (urlencode(PARAMETERS), None),
        (urlencode(PARAMETERS), sign(PARAMETERS, token="another")),
        (urlencode(PARAMETERS), sign(PARAMETERS, url="https://elsewhere.example/webhooks/twilio")),
        (urlencode(PARAMETERS | {"MessageStatus": "failed"}), sign(PARAMETERS)),
        (urlencode(PARAMETERS) + "&To=%2B1+2", sign(PARAMETERS)),
        (urlencode(PARAMETERS), "é"),
        ("no form", sign({})),
        ("{}", sign({})),
    ],
)
def test_callback_with_wrong_signature_is_refused(body: str, signature: str | None) -> None:
    with pytest.raises(WebhookSignatureInvalid):
        VERIFIER.verify(delivery(body, URL, signature))


def test_token_is_not_in_repr() -> None:
    assert "12345" not in repr(ACCOUNT)
