"""Access tokens: signed and read by this system, for one audience, verified without the database.

HS256 because signer and reader are the same program, so no public key is needed. A token's header
must be, byte for byte, one that our own keys produce: no header field from outside (`alg`, `kid`,
`jku`, `jwk`, `crit`, …) is parsed before the signature has been verified.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from app.identity.errors import TokenInvalid
from app.kit import clock, ids
from app.kit.errors import NotFound
from app.kit.ports import resolve

ALGORITHM = "HS256"
TYPE = "at+jwt"
ISSUER = "pbcex"
AUDIENCE = "pbcex-api"
#: Our tokens have about 300 characters.
LENGTH_MAX = 4096
LIFETIME_SECONDS_MAX = 8 * 3600
_SECRET_BYTES_MIN = 32
_CACHE_SIZE = 4096
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A signing secret and the key id in its tokens."""

    key_id: str
    secret: bytes

    def __post_init__(self) -> None:
        if not _KEY_ID.fullmatch(self.key_id):
            raise ValueError("a token key's id is 1 to 32 of A-Z a-z 0-9 _ -")
        if len(self.secret) < _SECRET_BYTES_MIN:
            raise ValueError(
                f"the token key {self.key_id} is shorter than {_SECRET_BYTES_MIN} bytes"
            )

    def __repr__(self) -> str:
        return f"SigningKey({self.key_id!r})"


def parse_signing_keys(configured: str, secret_key: str) -> list[SigningKey]:
    """Return the keys of the setting `kid:secret,kid:secret`; the first signs, all verify.

    An empty setting yields one key derived from the application's secret key. Raises `ValueError`
    naming the problem: a malformed list, a repeated id, a secret of less than 32 bytes.
    """
    if not configured:
        if len(secret_key.encode()) < _SECRET_BYTES_MIN:
            raise ValueError(f"PBCEX_SECRET_KEY needs at least {_SECRET_BYTES_MIN} characters")
        derived = HKDF(SHA256(), 32, salt=None, info=b"pbcex access tokens").derive(
            secret_key.encode()
        )
        return [SigningKey(f"derived-{sha256(derived).hexdigest()[:8]}", derived)]
    keys = []
    for item in configured.split(","):
        key_id, _, secret = item.strip().partition(":")
        keys.append(SigningKey(key_id, secret.encode()))
    if len({key.key_id for key in keys}) < len(keys):
        raise ValueError("two token keys have the same id")
    return keys


@dataclass(frozen=True, slots=True)
class AccessTokenClaims:
    """The claims of a verified access token. The database knows whether its session is valid."""

    user_id: UUID
    session_id: UUID
    token_id: str
    issued_at: int
    expires_at: int

    @property
    def credential(self) -> str:
        """What names the session of this token among all credentials."""
        return f"session {self.session_id}"


class AccessTokens:
    """Issues and reads access tokens."""

    def __init__(self, keys: Sequence[SigningKey], *, lifetime_seconds: int) -> None:
        if not 0 < lifetime_seconds <= LIFETIME_SECONDS_MAX:
            raise ValueError(f"access tokens live 1 to {LIFETIME_SECONDS_MAX} seconds")
        self._lifetime_seconds = lifetime_seconds
        self._by_header = {}
        for key in keys:
            parsed = OctKey.import_key(
                key.secret, {"kid": key.key_id, "alg": ALGORITHM, "use": "sig"}
            )
            self._by_header[_header_segment(key.key_id, parsed)] = parsed
        self._signing_key_id = keys[0].key_id
        self._signing_key = next(iter(self._by_header.values()))
        # Caches verified tokens only, so that strangers cannot fill it. Every read checks expiry
        # here and revocation in the database.
        self._verified = lru_cache(maxsize=_CACHE_SIZE)(self._verify)

    def issue(
        self, *, user_id: UUID, session_id: UUID, session_expires_at: datetime
    ) -> tuple[str, int]:
        """Return a new access token and its lifetime in seconds, which ends with its session."""
        now = int(clock.now().timestamp())
        expires_at = min(now + self._lifetime_seconds, int(session_expires_at.timestamp()))
        claims: dict[str, str | int] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": ids.encode("usr", user_id),
            "sid": ids.encode("ses", session_id),
            "jti": ids.encode("tok", ids.new()),
            "iat": now,
            "exp": expires_at,
        }
        return _encode(claims, self._signing_key_id, self._signing_key), expires_at - now

    def read(self, text: str) -> AccessTokenClaims:
        """Return the claims of a token that we signed and that has not expired.

        Raises `TokenInvalid` otherwise. Does not query the database.
        """
        if len(text) > LENGTH_MAX:
            raise TokenInvalid
        claims = self._verified(text)
        if claims.expires_at <= clock.now().timestamp():
            raise TokenInvalid
        return claims

    def _verify(self, text: str) -> AccessTokenClaims:
        key = self._by_header.get(text.partition(".")[0])
        if key is None:
            raise TokenInvalid
        try:
            claims = jwt.decode(text, key, algorithms=[ALGORITHM]).claims
            if claims["iss"] != ISSUER or claims["aud"] != AUDIENCE:
                raise TokenInvalid
            return AccessTokenClaims(
                user_id=ids.decode("usr", claims["sub"]),
                session_id=ids.decode("ses", claims["sid"]),
                token_id=claims["jti"],
                issued_at=int(claims["iat"]),
                expires_at=int(claims["exp"]),
            )
        except (JoseError, NotFound, ValueError, KeyError) as error:
            raise TokenInvalid from error


def read_access_token(text: str) -> AccessTokenClaims:
    """Return the claims of an access token without a query. Raises `TokenInvalid`."""
    return resolve(AccessTokens).read(text)


def _encode(claims: dict[str, str | int], key_id: str, key: OctKey) -> str:
    header = {"alg": ALGORITHM, "kid": key_id, "typ": TYPE}
    return jwt.encode(header, claims, key, [ALGORITHM], default_type=None)


def _header_segment(key_id: str, key: OctKey) -> str:
    return _encode({}, key_id, key).partition(".")[0]
