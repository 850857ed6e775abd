import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import time_machine
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from app.identity.errors import TokenInvalid
from app.identity.sign_in.access_tokens import AccessTokens, SigningKey, parse_signing_keys
from app.kit import clock, ids

OLD = SigningKey("old", b"o" * 32)
NEW = SigningKey("new", b"n" * 32)
USER = ids.new()
SESSION = ids.new()
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def tokens(*keys: SigningKey, seconds: int = 1800) -> AccessTokens:
    return AccessTokens(keys or [OLD], lifetime_seconds=seconds)


def issue(signer: AccessTokens, session_expires_at: datetime | None = None) -> str:
    expires_at = session_expires_at or clock.now() + timedelta(days=30)
    text, _ = signer.issue(user_id=USER, session_id=SESSION, session_expires_at=expires_at)
    return text


def segment(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unsegment(text: str) -> dict[str, object]:
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def sign(header: dict[str, object], claims: object, secret: bytes = OLD.secret) -> str:
    signed = f"{segment(header)}.{segment(claims)}"
    return f"{signed}.{segment(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


GOOD_HEADER: dict[str, object] = {"alg": "HS256", "kid": "old", "typ": "at+jwt"}


def valid_claims() -> dict[str, object]:
    return {
        "iss": "pbcex",
        "aud": "pbcex-api",
        "sub": ids.encode("usr", USER),
        "sid": ids.encode("ses", SESSION),
        "jti": "tok_1",
        "iat": int(time.time()),
        "exp": int(time.time()) + 60,
    }


class TestIssued:
    def test_token_names_person_session_and_expiry(self) -> None:
        with time_machine.travel(NOW, tick=False):
            text, expires_in = tokens().issue(
                user_id=USER, session_id=SESSION, session_expires_at=NOW + timedelta(days=30)
            )
            claims = tokens().read(text)
        assert expires_in == 1800
        assert (claims.user_id, claims.session_id) == (USER, SESSION)
        assert claims.issued_at == int(NOW.timestamp())
        assert claims.expires_at == claims.issued_at + 1800

    def test_header_names_algorithm_key_and_type(self) -> None:
        header, payload, _ = issue(tokens(NEW, OLD)).split(".")
        assert unsegment(header) == {"alg": "HS256", "kid": "new", "typ": "at+jwt"}
        assert set(unsegment(payload)) == {"iss", "aud", "sub", "sid", "jti", "iat", "exp"}

    def test_tokens_are_unique(self) -> None:
        signer = tokens()
        assert signer.read(issue(signer)).token_id != signer.read(issue(signer)).token_id

    def test_token_never_outlives_its_session(self) -> None:
        with time_machine.travel(NOW, tick=False):
            signer = tokens()
            _, expires_in = signer.issue(
                user_id=USER, session_id=SESSION, session_expires_at=NOW + timedelta(seconds=90)
            )
        assert expires_in == 90

    def test_cached_token_is_refused_after_expiry(self) -> None:
        signer = tokens()
        with time_machine.travel(NOW, tick=False) as traveller:
            text = issue(signer)
            traveller.shift(1799)
            assert signer.read(text).user_id == USER
            traveller.shift(1)
            with pytest.raises(TokenInvalid):
                signer.read(text)

    def test_token_signed_by_another_implementation_is_read(self) -> None:
        assert tokens().read(sign(GOOD_HEADER, valid_claims())).session_id == SESSION


class TestKeys:
    def test_old_tokens_verify_until_their_key_is_removed(self) -> None:
        text = issue(tokens(OLD))
        assert tokens(NEW, OLD).read(text).user_id == USER
        with pytest.raises(TokenInvalid):
            tokens(NEW).read(text)

    def test_token_under_another_key_id_is_refused(self) -> None:
        forged = sign({**GOOD_HEADER, "kid": "new"}, valid_claims(), OLD.secret)
        with pytest.raises(TokenInvalid):
            tokens(NEW, OLD).read(forged)

    def test_keys_are_parsed_from_a_list(self) -> None:
        keys = parse_signing_keys(f"a:{'x' * 32}, b:{'y:' * 16}", "unused")
        assert keys == [SigningKey("a", b"x" * 32), SigningKey("b", b"y:" * 16)]

    def test_key_is_derived_from_the_secret_key_without_a_list(self) -> None:
        [key] = parse_signing_keys("", "s" * 32)
        assert len(key.secret) == 32
        assert key.secret != b"s" * 32
        assert parse_signing_keys("", "s" * 32) == [key]
        assert parse_signing_keys("", "t" * 32) != [key]
        assert key.secret.hex() not in repr(key)

    @pytest.mark.parametrize(
        ("configured", "secret_key"),
        [
            ("", ""),
            ("", "s" * 31),
            ("a", "s" * 32),
            (f"a:{'x' * 31}", "s" * 32),
            (f":{'x' * 32}", "s" * 32),
            (f"a b:{'x' * 32}", "s" * 32),
            (f"a:{'x' * 32},", "s" * 32),
            (f"a:{'x' * 32},a:{'y' * 32}", "s" * 32),
        ],
    )
    def test_unusable_keys_raise(self, configured: str, secret_key: str) -> None:
        with pytest.raises(ValueError):
            parse_signing_keys(configured, secret_key)

    @pytest.mark.parametrize("seconds", [0, -1, 8 * 3600 + 1])
    def test_lifetime_over_eight_hours_raises(self, seconds: int) -> None:
        with pytest.raises(ValueError):
            tokens(seconds=seconds)


def sign_with_unknown_key(**header: object) -> str:
    return sign({**GOOD_HEADER, **header}, valid_claims(), b"z" * 32)


def rsa_signed() -> str:
    key = RSAKey.generate_key(2048)
    return jwt.encode(
        {"alg": "RS256", "kid": "old", "typ": "at+jwt"}, valid_claims(), key, ["RS256"]
    )


def flip_bit(text: str, index: int) -> str:
    index %= len(text)
    other = "A" if text[index] != "A" else "B"
    return text[:index] + other + text[index + 1 :]


class TestAttacks:
    """Every text here is refused; the same reader accepts valid tokens (TestIssued)."""

    @pytest.mark.parametrize(
        "header",
        [
            {"alg": "none"},
            {"alg": "None"},
            {"alg": "HS512"},
            {"alg": "RS256"},
            {"alg": None},
            {"alg": ["HS256"]},
            {"kid": "unknown"},
            {"kid": "../../dev/null"},
            {"kid": "old' OR '1'='1"},
            {"kid": None},
            {"typ": "JWT"},
            {"typ": "rt+jwt"},
            {"jku": "https://attacker.example/keys"},
            {"jwk": {"kty": "oct", "k": segment(b"z" * 32)}},
            {"x5u": "https://attacker.example/cert"},
            {"crit": ["exp"]},
            {"b64": False, "crit": ["b64"]},
        ],
    )
    @pytest.mark.parametrize("secret", [OLD.secret, b"z" * 32, b""])
    def test_changed_header_is_refused_even_if_signed(
        self, header: dict[str, object], secret: bytes
    ) -> None:
        with pytest.raises(TokenInvalid):
            tokens().read(sign({**GOOD_HEADER, **header}, valid_claims(), secret))

    @pytest.mark.parametrize(
        "claims",
        [
            {"iss": "someone"},
            {"aud": "pbcex-admin"},
            {"aud": ["pbcex-api"]},
            {"sub": "usr_"},
            {"sub": str(UUID(int=1))},
            {"sid": ids.encode("usr", SESSION)},
            {"exp": 0},
            {"exp": -1},
            {"exp": "soon"},
        ],
    )
    def test_wrong_claims_are_refused_even_if_signed_by_us(self, claims: dict[str, object]) -> None:
        with pytest.raises(TokenInvalid):
            tokens().read(sign(GOOD_HEADER, {**valid_claims(), **claims}))

    @pytest.mark.parametrize("missing", ["iss", "aud", "sub", "sid", "jti", "iat", "exp"])
    def test_missing_claim_is_refused(self, missing: str) -> None:
        claims = valid_claims()
        del claims[missing]
        with pytest.raises(TokenInvalid):
            tokens().read(sign(GOOD_HEADER, claims))

    @pytest.mark.parametrize("payload", [[], "text", 1, None, b"", b"\xff", b"{"])
    def test_payload_that_is_not_an_object_is_refused(self, payload: object) -> None:
        with pytest.raises(TokenInvalid):
            tokens().read(sign(GOOD_HEADER, payload))

    def test_every_changed_character_is_refused(self) -> None:
        signer = tokens()
        text = issue(signer)
        for index in range(len(text)):
            with pytest.raises(TokenInvalid):
                signer.read(flip_bit(text, index))
        assert signer.read(text).user_id == USER

    def test_alternative_signature_encoding_is_refused(self) -> None:
        signer = tokens()
        text = issue(signer)
        # The last of 43 characters carries two bits too many: four spellings of one signature.
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        position = alphabet.index(text[-1])
        for other in range(position - position % 4, position - position % 4 + 4):
            if other != position:
                with pytest.raises(TokenInvalid):
                    signer.read(text[:-1] + alphabet[other])

    @pytest.mark.parametrize(
        "garbage",
        [
            "",
            ".",
            "..",
            "...",
            "a.b.c",
            "Bearer x",
            "\x00",
            "\ud800.\ud800.\ud800",
            "ＡＢＣ.def.ghi",
            "a" * 43,
            "é" * 200,
        ],
    )
    def test_garbage_is_refused(self, garbage: str) -> None:
        with pytest.raises(TokenInvalid):
            tokens().read(garbage)

    def test_valid_token_with_extra_text_is_refused(self) -> None:
        text = issue(tokens())
        header, payload, signature = text.split(".")
        for wrong in (
            f"{text}.",
            f".{text}",
            f"{text}.{signature}",
            f"{header}.{payload}",
            f"{header}.{payload}.",
            f"{header}..{signature}",
            f"{text} ",
            f" {text}",
            f"{text}\n",
            f"{text}=",
            f"{text}, {text}",
            header.upper() + f".{payload}.{signature}",
        ):
            with pytest.raises(TokenInvalid):
                tokens().read(wrong)

    def test_token_signed_by_unknown_key_is_refused(self) -> None:
        for wrong in (
            sign_with_unknown_key(),
            rsa_signed(),
            jwt.encode(
                {"alg": "HS256", "kid": "old"},
                valid_claims(),
                OctKey.import_key(b"z" * 32),
                default_type="at+jwt",
            ),
        ):
            with pytest.raises(TokenInvalid):
                tokens().read(wrong)

    def test_oversized_token_is_refused_unparsed(self) -> None:
        huge = sign(GOOD_HEADER, {**valid_claims(), "padding": "x" * 5000})
        with pytest.raises(TokenInvalid):
            tokens().read(huge)

    def test_refused_tokens_are_not_cached(self) -> None:
        signer = tokens()
        for _ in range(10):
            with pytest.raises(TokenInvalid):
                signer.read(sign_with_unknown_key())
        assert signer._verified.cache_info().currsize == 0
