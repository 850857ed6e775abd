"""How a call to a provider can fail, by what the provider may have done."""

from app.kit.errors import NotFinished, PermissionDenied, Unavailable


class ProviderUnavailable(NotFinished):
    """The provider did nothing: it could not be reached, or asked us to wait."""


class ProviderOutcomeUnknown(NotFinished):
    """The provider gave no conclusive answer: it may have done what the call asks."""


class ProviderRefused(Exception):
    """The provider refused: repeating the call is useless.

    `code` is the provider's own code; `reason` explains it without personal data.
    """

    def __init__(self, code: str, reason: str = "") -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"{code}: {reason}" if reason else code)


class WebhookSignatureInvalid(PermissionDenied):
    """The webhook's signature, age or body shows that the provider did not just send it."""

    code = "signature_invalid"
    title = "The signature is not the provider's, or is too old."


class WebhookVerificationUnavailable(Unavailable):
    """The webhook cannot be verified now, because the provider cannot be reached."""

    code = "provider_unavailable"
    title = "A provider is temporarily unavailable. Try again in a few seconds."
    retry_after_seconds = 5
