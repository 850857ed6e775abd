"""The kinds of messages about accounts: links, credentials, and a person's data."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from app.access import Role
from app.kit.ids import PublicId
from app.notifications.facts import MessageFacts, email_only
from app.notifications.rules import MessageKind, Topic


@dataclass(frozen=True)
class LinkFacts(MessageFacts):
    """A message with a one-time link or code, which is made from the row of its token."""

    token_id: UUID


@dataclass(frozen=True)
class ConfirmEmail(LinkFacts):
    """A new account's email address is to be confirmed."""

    kind = email_only(
        "confirm_email", cause="an account with PBCEx was opened with this email address"
    )


@dataclass(frozen=True)
class ResetPassword(LinkFacts):
    """A new password may be chosen."""

    kind = email_only("reset_password")


@dataclass(frozen=True)
class Invitation(LinkFacts):
    """A person is invited to work at PBCEx."""

    kind = email_only("invitation", cause="you were invited to work at PBCEx")
    role: Role


@dataclass(frozen=True)
class CredentialChange(MessageFacts):
    """A credential changed, perhaps not by the person."""

    changed_at: datetime


@dataclass(frozen=True)
class PasskeyAdded(CredentialChange):
    """A passkey was added."""

    kind = email_only("passkey_added")


@dataclass(frozen=True)
class PasskeyRemoved(CredentialChange):
    """A passkey was removed."""

    kind = email_only("passkey_removed")


@dataclass(frozen=True)
class PasswordChanged(CredentialChange):
    """The password was changed."""

    kind = email_only("password_changed", version=2)
    #: How many API keys are still active.
    api_keys: int


@dataclass(frozen=True)
class PhoneChanged(CredentialChange):
    """The phone number of the profile changed: its last digits, empty if it was removed."""

    kind = email_only("phone_changed")
    ending: str


@dataclass(frozen=True)
class PinChanged(CredentialChange):
    """The PIN of a member of staff was changed."""

    kind = email_only("pin_changed")


@dataclass(frozen=True)
class GuestSignIn(LinkFacts):
    """A person wants to buy as a guest with this email address."""

    kind = email_only(
        "guest_sign_in", cause="someone wants to buy at PBCEx as a guest with this email address"
    )


@dataclass(frozen=True)
class PhoneCodeRequested(LinkFacts):
    """A code is to verify a phone, to which it is sent."""

    kind = MessageKind("phone_code", Topic.SECURITY, in_inbox=False, sms_only=True)


@dataclass(frozen=True)
class RecoveryCodesRenewed(CredentialChange):
    """The recovery codes were replaced."""

    kind = email_only("recovery_codes_renewed")


@dataclass(frozen=True)
class SecondFactorOff(CredentialChange):
    """The authenticator app was turned off."""

    kind = email_only("second_factor_off")


@dataclass(frozen=True)
class SecondFactorRemoved(CredentialChange):
    """Staff removed a second factor that the person had lost."""

    kind = email_only("second_factor_removed")


@dataclass(frozen=True)
class SecondFactorOn(CredentialChange):
    """The authenticator app was turned on."""

    kind = email_only("second_factor_on")


@dataclass(frozen=True)
class WrongCodes(MessageFacts):
    """Wrong codes of the second factor followed the right password, several times."""

    kind = email_only("wrong_codes")
    failed_at: datetime


@dataclass(frozen=True)
class ApiKeyCreated(MessageFacts):
    """An API key was created: how its text begins and ends, and when it expires."""

    kind = email_only("api_key_created")
    prefix: str
    last_four: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class ExportReady(MessageFacts):
    """The copy of a person's data can be downloaded."""

    kind = email_only("export_ready")
    export: PublicId
    expires_at: datetime


@dataclass(frozen=True)
class ErasureConfirmed(MessageFacts):
    """Who a person is was erased: the last email to them."""

    kind = email_only("person_erased", cause="you had an account with PBCEx")
    person: PublicId
    law: str
    erased_at: datetime
    kept_until: date
