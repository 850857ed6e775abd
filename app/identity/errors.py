"""The refusals of identity."""

from app.kit.db import register_refusal
from app.kit.errors import Conflict, PermissionDenied, Unauthenticated


class TokenInvalid(Unauthenticated):
    """The token is unknown or no longer valid. The refusal does not say which."""

    code = "token_invalid"
    title = "The token is not valid. Sign in again or refresh it."


class InvalidCredentials(Unauthenticated):
    """Unknown email address or wrong password. The two look the same on purpose."""

    code = "invalid_credentials"
    title = "The email address or the password is wrong."


class AccountSuspended(PermissionDenied):
    """The account is suspended. Returned only after the right password."""

    code = "account_suspended"
    title = "This account is suspended. Contact support."


class StaffOnly(PermissionDenied):
    """The account is a customer's. Returned only after the right password."""

    code = "staff_only"
    title = "These pages are for staff. Customers use the API."


class ReauthenticationRequired(Unauthenticated):
    """The person signed in too long ago for a change to credentials, to the phone number or to
    where money is paid out. POST /api/auth/reauthenticate proves their identity again; then the
    same request succeeds, for ten minutes."""

    code = "reauthentication_required"
    title = "Enter your password again first, and your code if you have a second factor."


class TwoFactorRequired(Unauthenticated):
    """The password is right and the second-factor code is missing."""

    code = "two_factor_required"
    title = "Enter the code of your authenticator app or a recovery code."


class TwoFactorInvalid(Unauthenticated):
    """The second-factor code is wrong, too old or already used."""

    code = "two_factor_invalid"
    title = "The code is wrong, too old or already used. Wait for the next code."
    field = "code"


class PinInvalid(Unauthenticated):
    """The PIN of the second person is wrong."""

    code = "pin_invalid"
    title = "The PIN is wrong."
    field = "pin"


class NotSecondPerson(Conflict):
    """This person cannot confirm the act."""

    code = "not_second_person"
    title = "Choose another teller of your branch, who has a PIN."
    field = "witness"


class TwoFactorUsed(TwoFactorInvalid):
    """The second-factor code is right and was used before, or a later one was. It does not count as
    a failed attempt."""

    title = "This code was already used. Wait for the next code."


class TwoFactorAlreadyOn(Conflict):
    """The second factor is already on. Turn it off before setting up another one."""

    code = "two_factor_on"
    title = "Your second factor is already on. Turn it off to set up another one."


class TwoFactorNotSetUp(Conflict):
    """There is no second factor to confirm or to turn off."""

    code = "two_factor_not_set_up"
    title = "You have no second factor. Set one up first."


class SecondFactorMissing(PermissionDenied):
    """A member of staff has no authenticator app: no second factor at all, or passkeys only.
    Returned only after the right password."""

    code = "second_factor_missing"
    title = "Staff need an authenticator app. Sign in at /auth/login to set it up."


class NoSecondFactor(Conflict):
    """The person has no second factor that staff could remove."""

    code = "no_second_factor"
    title = "This person has no second factor."


class LastSecondFactor(Conflict):
    """Staff keep at least one second factor. Add another one before removing this one."""

    code = "last_second_factor"
    title = (
        "This is your only second factor and staff need one."
        " Add another one at /auth/account first."
    )


class SignInExpired(Unauthenticated):
    """The pending sign-in has expired, is complete or belongs to another browser."""

    code = "sign_in_over"
    title = "The sign-in took too long or was completed elsewhere. Start again."


class PasskeyRefused(Unauthenticated):
    """The passkey's response proves nothing: it is unknown, altered, for another site, late or
    repeated. The refusal does not say which."""

    code = "passkey_refused"
    title = "The passkey was not accepted. Try again or sign in another way."


class PasskeyAlreadyRegistered(Conflict):
    """The passkey is already registered."""

    code = "passkey_known"
    title = "This passkey is already registered."


class RoleNotInvitable(PermissionDenied):
    """Staff invite only to roles whose permissions they hold. Administrators are not invited: the
    role is assigned with a second person's approval."""

    code = "role_not_invitable"
    title = "You cannot invite people to this role. Choose another role."


class EmailAlreadyConfirmed(Conflict):
    """The email address is confirmed. No other link is needed."""

    code = "email_already_confirmed"
    title = "Your email address is already confirmed."


class EmailTaken(Conflict):
    """An account with this email address exists."""

    code = "email_taken"
    title = "An account with this email address already exists."
    field = "email"


class AddressBookFull(Conflict):
    """The address book holds its maximum of addresses."""

    code = "address_book_full"
    title = "The address book is full. Remove an address to add another one."


class PhoneNumberRequired(Conflict):
    """Text messages need a phone number in the profile: PATCH /api/me."""

    code = "phone_needed"
    title = "Add a phone number to your profile first."


class PhoneNotVerified(Conflict):
    """Text messages, payment prompts and payouts go only to the phone of the profile, once a code
    has shown that it is the person's: POST /api/me/phone/verification."""

    code = "phone_not_verified"
    title = "Verify the phone number of your profile first: we send a code to it."


class PhoneAlreadyVerified(Conflict):
    """The phone number of the profile is verified. No other code is needed."""

    code = "phone_verified"
    title = "Your phone number is already verified."


class PhoneCodeInvalid(Conflict):
    """The code is not the one that was sent last, was used, or was sent more than ten minutes ago.
    After five wrong ones another code is needed."""

    code = "phone_code_invalid"
    title = "The code is wrong or too old. Enter the latest code, or request another one."
    field = "code"


class ApiKeysFull(Conflict):
    """The person has the maximum of active API keys."""

    code = "api_keys_full"
    title = "You have too many API keys. Revoke one to create another one."


register_refusal("users_email_key_key", lambda _detail: EmailTaken())


class LastAdministrator(Conflict):
    """No active person would be left to administer PBCEx or to edit grants."""

    code = "last_administrator"
    title = "PBCEx needs an active administrator. Appoint another one first."


class LastRoleWithPermission(Conflict):
    """No role would hold the permission any more."""

    code = "last_holder"
    title = "No other role holds this permission. Grant it to another role first."


class GrantNotEditable(Conflict):
    """The permission follows from the role itself and is not editable."""

    code = "grant_fixed"
    title = "Customers' permissions and permissions on a person's own data cannot be edited."


class PermissionNotHeld(PermissionDenied):
    """Staff do not grant, revoke or assign permissions that they do not hold."""

    code = "permission_lacking"
    title = "You do not hold this permission yourself."


class OwnAccountChange(PermissionDenied):
    """No one changes their own role or status."""

    code = "own_standing"
    title = "You cannot change your own role or status. Ask another administrator."


class AlreadySet(Conflict):
    """The person already has this role, branch or status."""

    code = "already_so"
    title = "The person already has this role, branch or status."


class NotActive(Conflict):
    """The account is suspended: its owner cannot sign in, and links would not help them."""

    code = "account_not_active"
    title = "This account is suspended."


class PersonErased(Conflict):
    """The person was erased: the account no longer changes."""

    code = "person_erased"
    title = "This person was erased. The account cannot be changed."


register_refusal("passkeys_credential_id_key", lambda _detail: PasskeyAlreadyRegistered())
