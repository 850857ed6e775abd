"""Whether a person proved their identity recently enough for a sensitive act."""

from app.access import Actor
from app.identity.errors import ReauthenticationRequired
from app.identity.sign_in import rules
from app.kit import clock


def is_recently_proven(actor: Actor) -> bool:
    """Return whether the actor's last proof of identity is recent enough for sensitive acts."""
    if actor.proven_at is None:
        return False
    return clock.now() - actor.proven_at < rules.proof_lifetime(actor.role)


def require_recent_proof(actor: Actor) -> None:
    """Raise `ReauthenticationRequired` unless the actor's last proof of identity is recent."""
    if not is_recently_proven(actor):
        raise ReauthenticationRequired
