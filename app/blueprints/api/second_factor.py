"""The second factor of a person: an authenticator app and its recovery codes."""

from typing import Any

from app.access import Actor, Permission
from app.blueprints import staff_session_cookie
from app.blueprints.api.schemas import auth as schemas_auth
from app.blueprints.api_blueprint import ApiBlueprint, RateLimit, client_network
from app.identity.credentials import second_factor, second_factor_changes
from app.identity.errors import (
    InvalidCredentials,
    LastSecondFactor,
    TwoFactorAlreadyOn,
    TwoFactorInvalid,
    TwoFactorNotSetUp,
)
from app.identity.sign_in import password_proof
from app.kit.db import Database, Session

blp = ApiBlueprint("second_factor", "/api/auth/2fa", "The second factor")


@blp.operation(
    "POST",
    "/setup",
    operation_id="authSetUpSecondFactor",
    permission=Permission.SECOND_FACTOR_CHANGE,
    response_schema=schemas_auth.SecondFactorSetupSchema,
    rate_limit=RateLimit.SIGN_IN,
    fresh=True,
    refusals=(TwoFactorAlreadyOn,),
)
def set_up_second_factor(session: Session, actor: Actor) -> object:
    """Get a secret for an authenticator app.

    The second factor is off until it is confirmed.
    """
    return second_factor.start_setup(session, actor)


@blp.operation(
    "POST",
    "/confirm",
    operation_id="authConfirmSecondFactor",
    permission=Permission.SECOND_FACTOR_CHANGE,
    body_schema=schemas_auth.CodeSchema,
    response_schema=schemas_auth.RecoveryCodesSchema,
    rate_limit=RateLimit.SIGN_IN,
    fresh=True,
    refusals=(TwoFactorInvalid, TwoFactorAlreadyOn, TwoFactorNotSetUp),
)
def confirm_second_factor(session: Session, actor: Actor, body: dict[str, Any]) -> object:
    """Turn on the second factor with a code from the authenticator app.

    Returns ten recovery codes, each of which works once instead of a code from the authenticator
    app. They are shown only now.
    """
    codes = second_factor.confirm_setup(session, actor, body["code"], network=client_network())
    return {"recovery_codes": codes}


@blp.operation(
    "DELETE",
    "",
    operation_id="authSwitchOffSecondFactor",
    permission=Permission.SECOND_FACTOR_CHANGE,
    body_schema=schemas_auth.CodeSchema,
    status=204,
    rate_limit=RateLimit.SIGN_IN,
    fresh=True,
    refusals=(TwoFactorInvalid, TwoFactorNotSetUp, LastSecondFactor),
)
def switch_off_second_factor(session: Session, actor: Actor, body: dict[str, Any]) -> None:
    """Turn off the second factor, with a code from the app or a recovery code.

    Staff need a second factor: they add a passkey first, on the account page.
    """
    second_factor_changes.switch_off_app(
        session,
        actor,
        body["code"],
        network=client_network(),
        required_for_staff=staff_session_cookie.second_factor_required(),
    )


@blp.operation(
    "POST",
    "/recovery-codes",
    operation_id="authRenewRecoveryCodes",
    permission=Permission.SECOND_FACTOR_CHANGE,
    body_schema=schemas_auth.RenewRecoveryCodesSchema,
    response_schema=schemas_auth.RecoveryCodesSchema,
    rate_limit=RateLimit.SIGN_IN,
    fresh=True,
    refusals=(InvalidCredentials, TwoFactorInvalid, TwoFactorNotSetUp),
    own_transactions=True,
)
def renew_recovery_codes(database: Database, actor: Actor, body: dict[str, Any]) -> object:
    """Replace the recovery codes.

    Takes the password, and a code from the authenticator app or a recovery code. The ten new codes
    are shown only now. The earlier ones stop working.
    """
    with database.reading() as session:
        attempt = password_proof.begin_own_attempt(session, actor, network=client_network())
    attempt = password_proof.check_password(attempt, body["password"])
    with database.transaction() as session:
        codes = second_factor_changes.renew_recovery_codes(session, actor, attempt, body["code"])
    return {"recovery_codes": codes}
