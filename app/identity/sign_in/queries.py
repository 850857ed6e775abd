"""Read the actor behind an access token or an API key."""

from app.access import API_KEY_SCOPES, Actor, Role
from app.access.policy import parse_permissions
from app.identity.accounts.rules import GUEST_PASSWORD
from app.identity.api_keys.service import ApiKeyClaims
from app.identity.errors import TokenInvalid
from app.identity.sign_in.access_tokens import AccessTokenClaims
from app.kit import clock
from app.kit.pipeline import Row, Statement

# Reads the role's permissions too: a revoked permission is gone with the next request.
_ACTOR = """
    SELECT u.id, u.email, u.role, u.branch_id, u.email_confirmed_at IS NOT NULL,
        (SELECT string_agg(g.permission, ' ') FROM role_grants g WHERE g.role = u.role),
        u.accepted_policies, u.password_hash = %s
"""
# A token never outlives its session, so the session's expiry is not checked here.
_BY_SESSION = f"""
    {_ACTOR}, NULL, s.proven_at FROM login_sessions s JOIN users u ON u.id = s.user_id
    WHERE s.id = %s AND s.revoked_at IS NULL AND u.status = 'active'
"""
_BY_API_KEY = f"""
    {_ACTOR}, k.scopes, NULL FROM api_keys k JOIN users u ON u.id = k.user_id
    WHERE k.key_hash = %s AND k.revoked_at IS NULL AND u.status = 'active'
        AND k.expires_at > %s
"""


def select_actor(claims: AccessTokenClaims | ApiKeyClaims) -> Statement:
    """Return the statement that reads the actor of a verified token or API key, if still valid."""
    if isinstance(claims, ApiKeyClaims):
        return _BY_API_KEY, (GUEST_PASSWORD, claims.key_hash, clock.now())
    return _BY_SESSION, (GUEST_PASSWORD, claims.session_id)


def to_actor(row: Row | None, claims: AccessTokenClaims | ApiKeyClaims) -> Actor:
    """Return the actor of the row of `select_actor`. An API key limits permissions to its scopes.

    Raises `TokenInvalid` without a row (the session or key is unknown or revoked, or the person is
    not active) and for a row of another person.
    """
    if row is None:
        raise TokenInvalid
    user_id, email, role, branch_id, confirmed, names, accepted, is_guest, scopes, proven_at = row
    if user_id != claims.user_id:
        raise TokenInvalid
    session_id, permissions = None, parse_permissions(names or "")
    if isinstance(claims, ApiKeyClaims):
        permissions &= API_KEY_SCOPES.intersection(scopes)
    else:
        session_id = claims.session_id
    return Actor(
        user_id,
        session_id,
        email,
        Role(role),
        permissions,
        branch_id,
        confirmed,
        proven_at,
        frozenset(accepted),
        is_guest,
    )
