"""How a call to a provider can fail, by what the provider may have done."""

from app.kit.errors import NotFinished, PermissionDenied, Unavailable


class ProviderUnavailable(NotFinished):
    """The provider did nothing: it could not be reached, or asked us to wait."""


class ProviderOutcomeUnknown(NotFinished):
    """The provider gave no conclusive answer: it may have done what the call asks."""


class ResponseUnreadable(ProviderOutcomeUnknown):
    """The provider answered, but with content that we cannot read. It is not out of order."""


class ProviderRefused(Exception):
    """The provider refused: repeating the call is useless.

    `code` is the provider's own code; `reason` explains it without personal data.
    """

    def __init__(self, code: str, reason: str = "") -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"{code}: {reason}" if reason else code)


class OwnFundsTooLow(ProviderRefused):
    """Our own account at the provider cannot cover the order: nothing was done, and the same order
    can be made later.

    `provider_code` is the provider's own code.
    """

    CODE = "own_funds_too_low"

    def __init__(self, provider_code: str) -> None:
        self.provider_code = provider_code
        super().__init__(self.CODE, provider_code)


class WebhookSignatureInvalid(PermissionDenied):
    """The webhook's signature, age or body shows that the provider did not just send it."""

    code = "signature_invalid"
    title = "The signature is not the provider's, or is too old."


class WebhookVerificationUnavailable(Unavailable):
    """The webhook cannot be verified now, because the provider cannot be reached."""

    code = "provider_unavailable"
    title = "A provider is temporarily unavailable. Try again in a few seconds."
    retry_after_seconds = 5
