"""Tables of identity."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.access import Role
from app.branches.rules import HEAD_OFFICE
from app.identity.accounts.rules import AccountStatus
from app.keys.registry import Sealed
from app.kit.db import Base
from app.kit.statements import StoredEnum


class User(Base):
    """A person: a customer or one of the staff."""

    __tablename__ = "users"
    __table_args__ = (
        sa.CheckConstraint(
            "role IN ('USER', 'SUPPORT', 'TELLER', 'INVENTORY', 'COMPLIANCE', 'AUDITOR', 'ADMIN')",
            name="role_known",
        ),
        sa.CheckConstraint("status IN ('active', 'suspended', 'erased')", name="user_status_known"),
        sa.CheckConstraint(
            "(status = 'erased') = (erased_at IS NOT NULL)", name="erased_says_when"
        ),
        sa.CheckConstraint(
            "(suspended_at IS NULL) = (suspended_reason IS NULL)", name="reason_if_suspended"
        ),
        sa.CheckConstraint(
            "suspended_at IS NULL OR status = 'suspended'", name="active_has_no_suspension"
        ),
        sa.CheckConstraint("branch_id IS NULL OR role = 'TELLER'", name="branch_is_a_tellers"),
        sa.CheckConstraint(f"branch_id <> '{HEAD_OFFICE}'", name="teller_is_not_at_head_office"),
        sa.Index("users_role_id_idx", "role", "id"),
        sa.Index("users_status_id_idx", "status", "id"),
        sa.CheckConstraint(
            "phone_verified_at IS NULL OR phone IS NOT NULL", name="verified_phone_is_there"
        ),
        sa.CheckConstraint("phone ~ '^\\+[1-9][0-9]{3,14}$'", name="phone_is_e164"),
        sa.Index("users_phone_idx", "phone"),
        # Any part of a person's email, name and phone number is found by trigrams.
        sa.Index(
            "users_search_idx",
            "email_key",
            sa.literal_column("lower((first_name || ' '::text) || last_name)").label("name"),
            "phone",
            postgresql_using="gin",
            postgresql_ops=dict.fromkeys(("email_key", "name", "phone"), "gin_trgm_ops"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: As the person typed it.
    email: Mapped[str] = mapped_column(sa.Text)
    #: The email address normalized for comparison, unique (accounts/rules.py).
    email_key: Mapped[str] = mapped_column(sa.Text, unique=True)
    password_hash: Mapped[str] = mapped_column(sa.Text)
    first_name: Mapped[str] = mapped_column(sa.Text)
    last_name: Mapped[str] = mapped_column(sa.Text)
    phone: Mapped[str | None] = mapped_column(sa.Text)
    #: When a code showed that the phone is the person's; null again with another number.
    phone_verified_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    role: Mapped[Role] = mapped_column(StoredEnum(Role))
    status: Mapped[AccountStatus] = mapped_column(
        StoredEnum(AccountStatus), server_default=sa.text("'active'")
    )
    suspended_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    suspended_reason: Mapped[str | None] = mapped_column(sa.Text)
    #: Where a teller works.
    branch_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("branches.id"))
    email_confirmed_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    #: The versions of required policies that the person accepted (`access.consents`), beside the
    #: record of their consents, so that the check of an order costs no further trip.
    accepted_policies: Mapped[list[str]] = mapped_column(
        ARRAY(sa.Text), server_default=sa.text("'{}'")
    )
    #: Whether a letter alone is a shortcut at the desks.
    single_keys: Mapped[bool] = mapped_column(server_default=sa.text("true"))
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    #: When the personal data was erased. The row then never changes again.
    erased_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class LoginSession(Base):
    """A login session: of a staff browser, or of the family of refresh tokens of one sign-in."""

    __tablename__ = "login_sessions"
    __table_args__ = (
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revoked_reason IS NULL)", name="reason_if_revoked"
        ),
        sa.CheckConstraint(
            "revoked_reason IN ('logged_out', 'token_reused', 'password_changed',"
            " 'second_factor_changed', 'email_confirmed', 'role_changed', 'suspended',"
            " 'ended_by_staff')",
            name="revoked_reason_known",
        ),
        sa.CheckConstraint("expires_at > created_at", name="session_expires_after_start"),
        sa.CheckConstraint("octet_length(secret_hash) = 32", name="secret_hash_is_sha256"),
        sa.CheckConstraint("(seen_at IS NULL) = (secret_hash IS NULL)", name="seen_if_in_browser"),
        sa.Index("login_sessions_user_id_idx", "user_id"),
        sa.Index("login_sessions_expires_at_idx", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    #: Absolute: refreshing does not move it.
    expires_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    revoked_reason: Mapped[str | None] = mapped_column(sa.Text)
    #: SHA-256 of the secret in the browser's cookie; null where tokens are used instead.
    secret_hash: Mapped[bytes | None] = mapped_column(sa.LargeBinary, unique=True)
    #: When the person was last active in that browser.
    seen_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    #: User agent and network at sign-in.
    browser: Mapped[str | None] = mapped_column(sa.Text)
    network: Mapped[str | None] = mapped_column(sa.Text)
    #: When the person last proved their identity: at sign-in or before a sensitive act.
    proven_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class RefreshToken(Base):
    """A refresh token, by its hash. Used tokens stay until the session ends, to detect reuse."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (
        sa.CheckConstraint("octet_length(token_hash) = 32", name="token_hash_is_sha256"),
        sa.Index("refresh_tokens_session_id_idx", "session_id"),
    )

    token_hash: Mapped[bytes] = mapped_column(sa.LargeBinary, primary_key=True)
    session_id: Mapped[UUID] = mapped_column(sa.ForeignKey("login_sessions.id"))
    issued_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class LoginFailure(Base):
    """A counter of failed sign-ins: of an email address from one network, of a network or of a
    person (sign_in/lockout.py)."""

    __tablename__ = "login_failures"
    __table_args__ = (
        sa.CheckConstraint("failures > 0", name="failures_counted"),
        sa.Index("login_failures_forget_at_idx", "forget_at"),
    )

    key: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    failures: Mapped[int]
    #: Further attempts are refused until then.
    blocked_until: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    #: The counter expires then.
    forget_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class Address(Base):
    """A postal address in a person's address book."""

    __tablename__ = "addresses"
    __table_args__ = (
        sa.Index("addresses_user_id_id_idx", "user_id", "id"),
        sa.Index(
            "addresses_default_key",
            "user_id",
            unique=True,
            postgresql_where=sa.text("is_default"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    #: The whole address as JSON (accounts/postal_addresses.py).
    details_sealed: Mapped[bytes] = mapped_column(Sealed)
    is_default: Mapped[bool] = mapped_column(sa.Boolean)
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class ApiKey(Base):
    """An API key of a customer's own program, by its hash. Revoked keys stay visible."""

    __tablename__ = "api_keys"
    __table_args__ = (
        sa.CheckConstraint("octet_length(key_hash) = 32", name="key_hash_is_sha256"),
        sa.CheckConstraint("cardinality(scopes) > 0", name="scopes_given"),
        sa.CheckConstraint("expires_at > created_at", name="api_key_expires_after_start"),
        sa.Index("api_keys_user_id_id_idx", "user_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    #: The name that its owner gave it.
    name: Mapped[str] = mapped_column(sa.Text)
    key_hash: Mapped[bytes] = mapped_column(sa.LargeBinary, unique=True)
    #: The first characters and the last four, which identify the key on pages.
    prefix: Mapped[str] = mapped_column(sa.Text)
    last_four: Mapped[str] = mapped_column(sa.Text)
    #: The permissions that the key may use at most (access.API_KEY_SCOPES).
    scopes: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class OneTimeToken(Base):
    """A one-time link mailed to a person, by the hash of its token (one_time_tokens.py)."""

    __tablename__ = "one_time_tokens"
    __table_args__ = (
        sa.CheckConstraint(
            "purpose IN ('confirm_email', 'reset_password', 'invitation', 'guest', 'collection')",
            name="purpose_known",
        ),
        sa.CheckConstraint("octet_length(nonce) = 16", name="nonce_is_16_bytes"),
        sa.CheckConstraint("octet_length(token_hash) = 32", name="one_time_hash_is_sha256"),
        sa.CheckConstraint("expires_at > issued_at", name="one_time_expires_after_issue"),
        sa.Index("one_time_tokens_user_id_idx", "user_id"),
        sa.Index("one_time_tokens_expires_at_idx", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    purpose: Mapped[str] = mapped_column(sa.Text)
    #: Goes into the token with a key that is not in the database.
    nonce: Mapped[bytes] = mapped_column(sa.LargeBinary)
    token_hash: Mapped[bytes] = mapped_column(sa.LargeBinary, unique=True)
    issued_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class PhoneCode(Base):
    """A code that was sent to a phone, to verify it, made from the row with a key that the database
    does not have (phone_verification.py)."""

    __tablename__ = "phone_codes"
    __table_args__ = (
        sa.CheckConstraint("octet_length(phone_index) = 32", name="code_phone_index_is_a_mac"),
        sa.CheckConstraint("octet_length(nonce) = 16", name="phone_code_nonce_is_16_bytes"),
        sa.CheckConstraint("failures >= 0", name="phone_code_failures_not_negative"),
        sa.Index("phone_codes_user_id_sent_at_idx", "user_id", "sent_at"),
        sa.Index("phone_codes_phone_index_sent_at_idx", "phone_index", "sent_at"),
        sa.Index("phone_codes_sent_at_idx", "sent_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    #: Blind index of the phone that it is for.
    phone_index: Mapped[bytes] = mapped_column(sa.LargeBinary)
    nonce: Mapped[bytes] = mapped_column(sa.LargeBinary)
    sent_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    #: Wrong codes that were entered in its place.
    failures: Mapped[int] = mapped_column(sa.Integer, server_default=sa.text("0"))
    #: When it was used, replaced, or given up after too many failures.
    ended_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class TotpCredential(Base):
    """A person's authenticator app: the secret that it shares with us."""

    __tablename__ = "totp_credentials"
    __table_args__ = (
        sa.CheckConstraint(
            "confirmed_at IS NULL OR last_step IS NOT NULL", name="confirmed_by_a_code"
        ),
    )

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"), primary_key=True)
    secret: Mapped[bytes] = mapped_column(Sealed)
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    #: Null until a code confirms the setup. Until then no code is required.
    confirmed_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    #: The time step of the last accepted code. Codes up to it are not accepted again.
    last_step: Mapped[int | None] = mapped_column(sa.BigInteger)


class RecoveryCode(Base):
    """A recovery code, which replaces the second factor once, by its hash."""

    __tablename__ = "recovery_codes"
    __table_args__ = (
        sa.CheckConstraint("octet_length(code_hash) = 32", name="code_hash_is_sha256"),
    )

    user_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("totp_credentials.user_id", ondelete="CASCADE"), primary_key=True
    )
    code_hash: Mapped[bytes] = mapped_column(sa.LargeBinary, primary_key=True)
    used_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class SignIn(Base):
    """A pending sign-in: the password was right, the second factor is missing."""

    __tablename__ = "sign_ins"
    __table_args__ = (
        sa.CheckConstraint("octet_length(secret_hash) = 32", name="sign_in_hash_is_sha256"),
        sa.CheckConstraint("expires_at > started_at", name="sign_in_expires_after_start"),
        sa.Index("sign_ins_user_id_idx", "user_id"),
        sa.Index("sign_ins_expires_at_idx", "expires_at"),
    )

    #: SHA-256 of the secret in the cookie of the browser that sent the password.
    secret_hash: Mapped[bytes] = mapped_column(sa.LargeBinary, primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    started_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class Passkey(Base):
    """The public key of a WebAuthn credential of a member of staff."""

    __tablename__ = "passkeys"
    __table_args__ = (
        sa.CheckConstraint(
            "octet_length(credential_id) BETWEEN 1 AND 1023", name="credential_id_has_a_length"
        ),
        sa.CheckConstraint("sign_count >= 0", name="sign_count_not_negative"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 60", name="passkey_name_has_a_length"),
        sa.Index("passkeys_user_id_idx", "user_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    credential_id: Mapped[bytes] = mapped_column(sa.LargeBinary, unique=True)
    #: COSE key, as received from the authenticator.
    public_key: Mapped[bytes] = mapped_column(sa.LargeBinary)
    #: The authenticator's counter at the last use; 0 if it does not count.
    sign_count: Mapped[int] = mapped_column(sa.BigInteger)
    #: Whether its owner's devices share it; NULL until one of its responses says it.
    is_synced: Mapped[bool | None]
    #: The name that its owner gave it.
    name: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    last_used_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class PasskeyChallenge(Base):
    """A challenge for an authenticator, valid once, for minutes. The first response deletes it."""

    __tablename__ = "passkey_challenges"
    __table_args__ = (
        sa.CheckConstraint("octet_length(challenge_hash) = 32", name="challenge_hash_is_sha256"),
        sa.CheckConstraint(
            "purpose IN ('register', 'sign_in', 'step_up')", name="challenge_purpose_known"
        ),
        sa.CheckConstraint(
            "(user_id IS NULL) = (purpose = 'sign_in')", name="challenge_is_somebodys"
        ),
        sa.Index("passkey_challenges_expires_at_idx", "expires_at"),
    )

    challenge_hash: Mapped[bytes] = mapped_column(sa.LargeBinary, primary_key=True)
    purpose: Mapped[str] = mapped_column(sa.Text)
    user_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    expires_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class KeptForm(Base):
    """The form of a sensitive act, kept until its sender proves their identity again."""

    __tablename__ = "kept_forms"
    __table_args__ = (
        sa.CheckConstraint("expires_at > kept_at", name="kept_form_expires_after_start"),
        sa.CheckConstraint("(form_sealed IS NULL) = (used_at IS NOT NULL)", name="form_until_used"),
        sa.Index("kept_forms_session_id_idx", "session_id"),
        sa.Index(
            "kept_forms_waiting_expires_at_idx",
            "expires_at",
            postgresql_where=sa.text("used_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: The session that sent it: its row, because a proof replaces its secret.
    session_id: Mapped[UUID] = mapped_column(sa.ForeignKey("login_sessions.id", ondelete="CASCADE"))
    kept_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    #: When the act was carried out, which deletes the form. The row stays as long as the session,
    #: so that the form is not called unsent later.
    used_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    #: The form as JSON (sign_in/kept_forms.py).
    form_sealed: Mapped[bytes | None] = mapped_column(Sealed)
