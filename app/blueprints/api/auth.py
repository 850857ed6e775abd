"""Accounts and login sessions.

Hashing a password takes tens of milliseconds, so it happens between two transactions, never inside
one: no row is locked and no connection held meanwhile.
"""

from typing import Any

from app.access import Actor, Permission
from app.blueprints import staff_session_cookie
from app.blueprints.api.schemas import auth as schemas_auth
from app.blueprints.api_blueprint import ApiBlueprint, RateLimit, client_network
from app.blueprints.rate_limits import client_device, current_caller
from app.identity.accounts import email_verification, guests, registration_limits
from app.identity.accounts import queries as account_queries
from app.identity.accounts import service as accounts
from app.identity.credentials import password_change, password_reset
from app.identity.errors import (
    AccountSuspended,
    EmailAlreadyConfirmed,
    EmailTaken,
    InvalidCredentials,
    SecondFactorMissing,
    TokenInvalid,
    TwoFactorInvalid,
    TwoFactorRequired,
)
from app.identity.sign_in import password_proof, reauthentication
from app.identity.sign_in import service as sign_in
from app.identity.sign_in.access_tokens import AccessTokenClaims
from app.identity.sign_in.service import IssuedTokens
from app.kit.db import Database, Session
from app.privacy import consents
from app.privacy.errors import PolicyOutdated
from app.shop.cart import service as cart

blp = ApiBlueprint("auth", "/api/auth", "Accounts and login sessions")

_NOT_PROVEN = (
    InvalidCredentials,
    TwoFactorRequired,
    TwoFactorInvalid,
    AccountSuspended,
    SecondFactorMissing,
)


@blp.operation(
    "POST",
    "/register",
    operation_id="authRegister",
    public=True,
    body_schema=schemas_auth.RegisterSchema,
    response_schema=schemas_auth.LoggedInSchema,
    status=201,
    rate_limit=RateLimit.SIGN_IN,
    refusals=(EmailTaken, PolicyOutdated),
    own_transactions=True,
)
def register_user(database: Database, body: dict[str, Any]) -> object:
    """Open an account and log in.

    A link to confirm the email address is sent there. No money moves until the address is
    confirmed and the required policies are accepted: here, or later with POST /api/me/consents.
    A network that sends many addresses which have an account must wait.
    """
    accepted = [(policy["policy"], policy["version"]) for policy in body.pop("accepted_policies")]
    cart_id = body.pop("cart_id")
    device = client_device()
    with database.transaction() as session:
        registration_limits.require_unexhausted(session, device.network)
    registration = accounts.prepare_registration(**body)
    try:
        with database.transaction() as session:
            opened = accounts.register(session, registration, device)
            consents.accept_policies_at_registration(session, opened.user.id, accepted)
            _take_over_cart(session, opened, cart_id)
            return opened
    except EmailTaken:
        with database.transaction() as session:
            registration_limits.record_taken(session, device.network)
        raise


@blp.operation(
    "POST",
    "/guest",
    operation_id="authGuest",
    public=True,
    body_schema=schemas_auth.GuestSchema,
    response_schema=schemas_auth.OnItsWaySchema,
    status=202,
    rate_limit=RateLimit.SIGN_IN,
    refusals=(EmailTaken, PolicyOutdated),
    own_transactions=True,
)
def request_guest_link(database: Database, body: dict[str, Any]) -> object:
    """Buy without a password: a link that signs you in is mailed to you.

    Names, phone and policies count for a new guest. Once a password is reset, it is an account
    with all that was bought, and needs the password. An address whose account has one is refused.
    """
    accepted = [(policy["policy"], policy["version"]) for policy in body.pop("accepted_policies")]
    network = client_network()
    with database.transaction() as session:
        registration_limits.require_unexhausted(session, network)
    try:
        with database.transaction() as session:
            guest = guests.request_link(session, **body)
            if guest.is_new:
                consents.accept_policies_at_registration(session, guest.user_id, accepted)
    except EmailTaken:
        with database.transaction() as session:
            registration_limits.record_taken(session, network)
        raise
    return {"message": "We have sent a link to this email address."}


@blp.operation(
    "POST",
    "/guest/confirm",
    operation_id="authConfirmGuest",
    public=True,
    body_schema=schemas_auth.GuestTokenSchema,
    response_schema=schemas_auth.LoggedInSchema,
    rate_limit=RateLimit.SIGN_IN,
    refusals=(TokenInvalid,),
)
def confirm_guest(session: Session, body: dict[str, Any]) -> object:
    """Sign in as a guest.

    The token is of the mailed link, and confirms the email address. Goods are then locked, bought
    and tracked as with any account. Above a limit, orders need a verified identity:
    POST /api/kyc/submit.
    """
    opened = guests.sign_in_guest(session, body["token"], client_device())
    _take_over_cart(session, opened, body["cart_id"])
    return opened


@blp.operation(
    "POST",
    "/login",
    operation_id="authLogin",
    public=True,
    body_schema=schemas_auth.LoginSchema,
    response_schema=schemas_auth.LoggedInSchema,
    rate_limit=RateLimit.SIGN_IN,
    refusals=_NOT_PROVEN,
    own_transactions=True,
)
def login(database: Database, body: dict[str, Any]) -> object:
    """Log in.

    With a second factor, send a `code` too: from the authenticator app, or a recovery code. After
    five failures for one email address from one network, further attempts from there must wait.
    """
    with database.reading() as session:
        attempt = sign_in.begin_sign_in(session, email=body["email"], network=client_network())
    attempt = password_proof.check_password(attempt, body["password"])
    with database.transaction() as session:
        opened = sign_in.conclude_sign_in(
            session,
            attempt,
            body.get("code"),
            device=client_device(),
            staff_need_second_factor=staff_session_cookie.second_factor_required(),
        )
        _take_over_cart(session, opened, body["cart_id"])
        return opened


@blp.operation(
    "POST",
    "/refresh",
    operation_id="authRefresh",
    public=True,
    body_schema=schemas_auth.RefreshSchema,
    response_schema=schemas_auth.LoggedInSchema,
    refusals=(TokenInvalid,),
)
def refresh_tokens(session: Session, body: dict[str, Any]) -> object:
    """Exchange a refresh token for new tokens.

    Each refresh token works once. Using one again ends the login session and all its tokens,
    because one of the two uses must be theft.
    """
    return sign_in.refresh(session, body["refresh_token"])


@blp.operation(
    "POST", "/logout", operation_id="authLogout", permission=Permission.SESSIONS_REVOKE, status=204
)
def logout(session: Session, actor: Actor) -> None:
    """End the login session of the token at once."""
    sign_in.sign_out(session, actor)


@blp.operation(
    "POST",
    "/reauthenticate",
    operation_id="authReauthenticate",
    permission=Permission.SESSIONS_REVOKE,
    body_schema=schemas_auth.ReauthenticateSchema,
    status=204,
    rate_limit=RateLimit.SIGN_IN,
    refusals=_NOT_PROVEN,
    own_transactions=True,
)
def reauthenticate(database: Database, actor: Actor, body: dict[str, Any]) -> None:
    """Prove your identity again.

    Changes of the second factor, API keys, the phone number and where money is paid out need a
    sign-in of the last ten minutes, or get `reauthentication_required`. With a second factor, send
    a `code` too (passkeys, which only staff have, need a browser). The tokens stay the same.
    """
    with database.reading() as session:
        attempt = password_proof.begin_own_attempt(session, actor, network=client_network())
    attempt = password_proof.check_password(attempt, body["password"])
    with database.transaction() as session:
        reauthentication.reauthenticate_program(
            session,
            actor,
            attempt,
            body.get("code"),
            staff_need_second_factor=staff_session_cookie.second_factor_required(),
        )


@blp.operation(
    "GET",
    "/me",
    operation_id="authMe",
    permission=Permission.ACCOUNT_READ,
    response_schema=schemas_auth.UserSchema,
)
def show_user(session: Session, actor: Actor) -> object:
    """Show the user that the token belongs to."""
    return account_queries.get_person(session, actor.user_id)


@blp.operation(
    "POST",
    "/change-password",
    operation_id="authChangePassword",
    permission=Permission.PASSWORD_CHANGE,
    body_schema=schemas_auth.ChangePasswordSchema,
    response_schema=schemas_auth.PasswordChangedSchema,
    rate_limit=RateLimit.SIGN_IN,
    refusals=(InvalidCredentials,),
    own_transactions=True,
)
def change_password(database: Database, actor: Actor, body: dict[str, Any]) -> object:
    """Change the password.

    Ends all of your login sessions at once, this one included, and returns the tokens of a new
    one. API keys stay active unless `revokeApiKeys` is true; the response and the email about the
    change count them, and GET /api/me/api-keys lists them.
    """
    with database.reading() as session:
        person = account_queries.get_person(session, actor.user_id)
        attempt = password_proof.begin_own_attempt(session, actor, network=client_network())
    new_hash = password_change.prepare_new_password(person, body["new_password"])
    attempt = password_proof.check_password(attempt, body["current_password"])
    with database.transaction() as session:
        return password_change.conclude_password_change(
            session,
            attempt,
            new_hash,
            revoke_api_keys=body["revoke_api_keys"],
            device=client_device(),
        )


@blp.operation(
    "POST",
    "/verify-email",
    operation_id="authVerifyEmail",
    public=True,
    body_schema=schemas_auth.TokenSchema,
    response_schema=schemas_auth.EmailConfirmedSchema,
    rate_limit=RateLimit.SIGN_IN,
    refusals=(TokenInvalid,),
)
def verify_email(session: Session, body: dict[str, Any]) -> object:
    """Confirm the email address that a link was sent to.

    Each link works once. The person who registered may not have been the owner of the address:
    login sessions from before end, but for the one whose access token this request carries.
    """
    claims = current_caller().claims
    kept = claims.session_id if isinstance(claims, AccessTokenClaims) else None
    email_verification.redeem_confirmation(session, body["token"], apart_from=kept)
    return {"email_confirmed": True}


@blp.operation(
    "POST",
    "/verify-email/resend",
    operation_id="authResendConfirmation",
    permission=Permission.EMAIL_CONFIRM,
    response_schema=schemas_auth.OnItsWaySchema,
    status=202,
    refusals=(EmailAlreadyConfirmed,),
)
def resend_confirmation(session: Session, actor: Actor) -> object:
    """Resend the confirmation email.

    Allowed five times an hour.
    """
    email_verification.resend_confirmation(session, actor)
    return {"message": "We have sent a link."}


@blp.operation(
    "POST",
    "/forgot-password",
    operation_id="authForgotPassword",
    public=True,
    body_schema=schemas_auth.ForgotPasswordSchema,
    response_schema=schemas_auth.OnItsWaySchema,
    status=202,
    rate_limit=RateLimit.SIGN_IN,
)
def forgot_password(session: Session, body: dict[str, Any]) -> object:
    """Request a link to reset the password.

    The response is the same whether or not there is an account with this email address. The link
    works once, within an hour.
    """
    password_reset.request_reset(session, body["email"])
    return {"message": "If there is an account with this email address, we have sent a link."}


@blp.operation(
    "POST",
    "/reset-password",
    operation_id="authResetPassword",
    public=True,
    body_schema=schemas_auth.ResetPasswordSchema,
    response_schema=schemas_auth.PasswordResetSchema,
    rate_limit=RateLimit.SIGN_IN,
    refusals=(TokenInvalid,),
    own_transactions=True,
)
def reset_password(database: Database, body: dict[str, Any]) -> object:
    """Set a new password with the token of a link.

    Ends every login session. A second factor stays on, and API keys stay active unless
    `revokeApiKeys` is true; those from before the email address was confirmed end. The response
    and the email about the change count the keys.
    """
    with database.reading() as session:
        person = password_reset.find_person_to_reset(session, body["token"])
    chosen = password_reset.prepare_reset(person, **body)
    with database.transaction() as session:
        return {"api_keys_active": password_reset.conclude_reset(session, chosen)}


def _take_over_cart(session: Session, opened: IssuedTokens, cart_id: str | None) -> None:
    if cart_id is not None:
        cart.take_over_at_sign_in(session, opened.user, cart_id)
