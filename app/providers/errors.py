"""How a call to a provider can fail. What matters is what may have happened there."""

from app.kit.errors import NotFinished, PermissionDenied, Unavailable


class ProviderUnavailable(NotFinished):
    """Certainly nothing happened there: it could not be reached, or asked us to wait."""


class ProviderOutcomeUnknown(NotFinished):
    """It was asked, and gave no answer that says what it did. It may have done it."""


class ProviderRefused(Exception):
    """It answered that it will not: there is no use in asking the same again. `code` is its own
    word for why, `reason` says it in words that quote nothing of anybody's."""

    def __init__(self, code: str, reason: str = "") -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"{code}: {reason}" if reason else code)


class WebhookSignatureInvalid(PermissionDenied):
    """A webhook whose signature, age or body shows that the provider did not send it now."""

    code = "signature_invalid"
    title = "This was not signed by the provider, or not now"


class WebhookVerificationUnavailable(Unavailable):
    """A provider that is needed for this cannot be reached."""

    code = "provider_unavailable"
    title = "A provider is temporarily unavailable"
    retry_after_seconds = 5
