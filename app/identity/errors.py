"""What identity refuses."""

from app.kit.db import register_refusal
from app.kit.errors import Conflict, PermissionDenied, Unauthenticated


class TokenInvalid(Unauthenticated):
    """The token is not one of ours, or no longer counts. Which of the two is not told."""

    code = "token_invalid"
    title = "The token is not valid. Log in again, or refresh it"


class InvalidCredentials(Unauthenticated):
    """Unknown e-mail address or wrong password: the two look the same on purpose."""

    code = "invalid_credentials"
    title = "The e-mail address or the password is wrong"


class AccountSuspended(PermissionDenied):
    """Said only to someone who gave the right password."""

    code = "account_suspended"
    title = "This account is suspended. Please contact support"


class StaffOnly(PermissionDenied):
    """Said only to a customer who gave the right password."""

    code = "staff_only"
    title = "The desks are for staff. Customers use the app or the API"


class TwoFactorRequired(Unauthenticated):
    """The password is right, and a code of the second factor is missing."""

    code = "two_factor_required"
    title = "Send the code of your authenticator app, or a recovery code, as well"


class TwoFactorInvalid(Unauthenticated):
    """The code of the second factor is wrong, too old, or was used before."""

    code = "two_factor_invalid"
    title = "The code is wrong, too old, or was used before. Wait for the next one"


class TwoFactorAlreadyOn(Conflict):
    """The second factor is on already: switch it off before setting up another."""

    code = "two_factor_on"
    title = "The second factor is on already"


class TwoFactorNotSetUp(Conflict):
    """There is no second factor to confirm or to switch off."""

    code = "two_factor_not_set_up"
    title = "There is no second factor to confirm or to switch off"


class SecondFactorMissing(PermissionDenied):
    """A member of staff who has not set up a second factor yet, or has passkeys only. Said only to
    someone who gave the right password."""

    code = "second_factor_missing"
    title = "Staff need an authenticator app here. Set it up where staff sign in: /auth/login"


class LastSecondFactor(Conflict):
    """Staff keep at least one second factor. Add another one before removing this one."""

    code = "last_second_factor"
    title = (
        "This is your only second factor, and staff need one. Add another at /auth/account first"
    )


class SignInExpired(Unauthenticated):
    """The sign-in that was half done has expired, was finished, or belongs to another browser."""

    code = "sign_in_over"
    title = "The sign-in took too long or was finished elsewhere. Start again"


class PasskeyRefused(Unauthenticated):
    """The passkey's answer does not prove anything: unknown, altered, for another site, too late,
    or sent before. Which of these is not told."""

    code = "passkey_refused"
    title = "The passkey was not accepted. Try again, or sign in another way"


class PasskeyAlreadyRegistered(Conflict):
    """This passkey was registered before."""

    code = "passkey_known"
    title = "This passkey is registered already"


class RoleNotInvitable(PermissionDenied):
    """Nobody invites people to more than they may do themselves; administrators are not invited
    but made, with a second person's approval."""

    code = "role_not_invitable"
    title = "You cannot invite people to this role"


class EmailAlreadyConfirmed(Conflict):
    """The address is confirmed, so that no other link is needed."""

    code = "email_already_confirmed"
    title = "The e-mail address is confirmed already"


class EmailTaken(Conflict):
    """Somebody registered with this e-mail address before."""

    code = "email_taken"
    title = "An account with this e-mail address exists already"


class AddressBookFull(Conflict):
    """There are as many addresses as an address book holds."""

    code = "address_book_full"
    title = "The address book is full"


class ApiKeysFull(Conflict):
    """There are as many API keys as count at a time."""

    code = "api_keys_full"
    title = "There are too many API keys"


register_refusal("users_email_key_key", lambda _detail: EmailTaken())


class LastAdministrator(Conflict):
    """Nobody would be left to administer the house, or to edit grants."""

    code = "last_administrator"
    title = "Nobody would be left who administers the house"


class LastRoleWithPermission(Conflict):
    """No role would be left that may do this."""

    code = "last_holder"
    title = "No other role holds this permission. Give it to another role first"


class GrantNotEditable(Conflict):
    """This follows from what the role is, and nobody can change it here."""

    code = "grant_fixed"
    title = "What people may do with their own things, and customers' rights, are not edited here"


class PermissionNotHeld(PermissionDenied):
    """Nobody gives, takes away or assigns what they lack themselves."""

    code = "permission_lacking"
    title = "You lack this permission yourself"


class OwnAccountChange(PermissionDenied):
    """Nobody changes their own role or status."""

    code = "own_standing"
    title = "You cannot change your own role or status"


class AlreadySet(Conflict):
    """The person has this role, branch or status already."""

    code = "already_so"
    title = "This is so already"


class PersonErased(Conflict):
    """The person was erased: there is nobody left whose standing could change."""

    code = "person_erased"
    title = "This person was erased"


register_refusal("passkeys_credential_id_key", lambda _detail: PasskeyAlreadyRegistered())
