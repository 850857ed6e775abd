"""Accounts and login sessions.

Hashing a password takes tens of milliseconds, so it happens between two transactions and never
inside one: no row is locked and no connection held meanwhile. And what a refused attempt leaves
behind (a counted failure, a revoked session) must be stored although the answer is an error: the
service answers such a refusal as a value, and it is raised after the commit.
"""

from typing import Any

from app.access import Actor, Permission
from app.blueprints.api.schemas import auth as schemas
from app.blueprints.web import ApiBlueprint, RateLimit, client_network
from app.identity import queries
from app.identity import service as identity
from app.identity.errors import AccountSuspended, EmailTaken, InvalidCredentials, TokenInvalid
from app.kit.db import Database, Session

blp = ApiBlueprint("auth", "/api/auth", "Accounts and login sessions")


@blp.operation(
    "POST",
    "/register",
    public=True,
    takes=schemas.Register,
    gives=schemas.LoggedIn,
    status=201,
    rate_limit=RateLimit.SIGN_IN,
    refusals=(EmailTaken,),
    own_transactions=True,
)
def register(database: Database, body: dict[str, Any]) -> object:
    """Open an account and log in."""
    registration = identity.prepare_registration(**body)
    with database.transaction() as session:
        return identity.register(session, registration)


@blp.operation(
    "POST",
    "/login",
    public=True,
    takes=schemas.Login,
    gives=schemas.LoggedIn,
    rate_limit=RateLimit.SIGN_IN,
    refusals=(InvalidCredentials, AccountSuspended),
    own_transactions=True,
)
def login(database: Database, body: dict[str, Any]) -> object:
    """Log in.

    After five failures for one address from one network, further attempts from there wait.
    """
    with database.reading() as session:
        attempt = identity.begin_login(session, email=body["email"], network=client_network())
    attempt = identity.check_password(attempt, body["password"])
    with database.transaction() as session:
        return identity.conclude_login(session, attempt)


@blp.operation(
    "POST",
    "/refresh",
    public=True,
    takes=schemas.Refresh,
    gives=schemas.LoggedIn,
    refusals=(TokenInvalid,),
)
def refresh(session: Session, body: dict[str, Any]) -> object:
    """Exchange a refresh token for new tokens.

    Each refresh token works once. Using one again ends the login session and all its tokens,
    because one of the two users must have stolen it.
    """
    return identity.refresh(session, body["refresh_token"])


@blp.operation("POST", "/logout", permission=Permission.SESSIONS_REVOKE, status=204)
def logout(session: Session, actor: Actor) -> None:
    """End the login session that the token belongs to, at once."""
    identity.log_out(session, actor)


@blp.operation("GET", "/me", permission=Permission.ACCOUNT_READ, gives=schemas.User)
def me(session: Session, actor: Actor) -> object:
    """Who the token says you are."""
    return queries.person_by_id(session, actor.user_id)


@blp.operation(
    "POST",
    "/change-password",
    permission=Permission.PASSWORD_CHANGE,
    takes=schemas.ChangePassword,
    gives=schemas.LoggedIn,
    rate_limit=RateLimit.SIGN_IN,
    refusals=(InvalidCredentials,),
    own_transactions=True,
)
def change_password(database: Database, actor: Actor, body: dict[str, Any]) -> object:
    """Replace the password.

    Ends every login session of yours at once, this one included, and answers the tokens of a new
    one.
    """
    with database.reading() as session:
        person = queries.person_by_id(session, actor.user_id)
        attempt = identity.begin_password_change(session, actor, network=client_network())
    new_hash = identity.prepare_new_password(person, body["new_password"])
    attempt = identity.check_password(attempt, body["current_password"])
    with database.transaction() as session:
        return identity.conclude_password_change(session, attempt, new_hash)
