"""Settings of providers: one mode for all, keys of their own, and what goes with the exchange's."""

from pathlib import Path

import pytest

from app.config import Settings, UnsafeSettings
from app.config.providers import sandbox_secret
from app.config.together import load_together
from app.factory import create_app
from app.integrations import registry

LIVE_PAXOS = {
    "PAXOS_MODE": "live",
    "PAXOS_BASE_URL": "https://api.paxos.com/v2",
    "PAXOS_OAUTH_URL": "https://oauth.paxos.com/oauth2/token",
    "PAXOS_CLIENT_ID": "pbcex",
    "PAXOS_CLIENT_SECRET": "a secret",
    "PAXOS_PROFILE_ID": "profile",
}


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({}, set()),
        ({"PAXOS_BASE_URL": "http://127.0.0.1:4000/paxos/v2"}, {"PAXOS_BASE_URL"}),
        ({"PAXOS_BASE_URL": "https://localhost/v2"}, {"PAXOS_BASE_URL"}),
        ({"PAXOS_BASE_URL": ""}, {"PAXOS_BASE_URL"}),
        ({"PAXOS_BASE_URL": "https://api.sandbox.paxos.com/v2"}, {"PAXOS_BASE_URL"}),
        ({"PAXOS_OAUTH_URL": "https://oauth.sandbox.paxos.com/token"}, {"PAXOS_OAUTH_URL"}),
        ({"PAXOS_CLIENT_SECRET": ""}, {"PAXOS_CLIENT_SECRET"}),
        ({"PAXOS_CLIENT_SECRET": " "}, {"PAXOS_CLIENT_SECRET"}),
        ({"PAXOS_MODE": "sandbox"}, {"PAXOS_BASE_URL", "PAXOS_OAUTH_URL"}),
        (
            {
                "PAXOS_MODE": "sandbox",
                "PAXOS_BASE_URL": "https://api.sandbox.paxos.com/v2",
                "PAXOS_OAUTH_URL": "",
            },
            {"PAXOS_OAUTH_URL"},
        ),
        ({"ANCHORAGE_SIGNING_KEY": "no key"}, {"ANCHORAGE_SIGNING_KEY"}),
    ],
)
def test_live_mode_requires_the_providers_own_urls_and_keys(
    production: pytest.MonkeyPatch, changes: dict[str, str], refused: set[str]
) -> None:
    for name, value in {"PBCEX_ENV": "staging", **LIVE_PAXOS, **changes}.items():
        production.setenv(name, value)
    try:
        load_together(registry.SECTIONS)
        problems = set()
    except UnsafeSettings as unsafe:
        problems = set(unsafe.problems)
    assert problems == refused


def test_problems_of_the_exchange_and_of_providers_are_named_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PORT", "http")
    monkeypatch.setenv("PAXOS_MODE", "live")
    monkeypatch.setenv("ANCHORAGE_SIGNING_KEY", "no key")
    with pytest.raises(UnsafeSettings) as refused:
        create_app()
    assert {"PORT", "PAXOS_BASE_URL", "PAXOS_CLIENT_ID", "ANCHORAGE_SIGNING_KEY"} <= set(
        refused.value.problems
    )


BANK_SECRET = "a secret that signs the bank's webhooks"
LIVE_BANK = {
    "BANK_MODE": "live",
    "BANK_BASE_URL": "https://bank.example.com",
    "BANK_API_KEY": "a key of the bank",
    "BANK_WEBHOOK_SECRET": BANK_SECRET,
}
SANDBOX_STRIPE = {
    "STRIPE_API_BASE": "https://api.stripe.com",
    "STRIPE_SECRET_KEY": "sk_test_1",
    "STRIPE_WEBHOOK_SECRET": "whsec_of_a_test_account",
}
LIVE_STRIPE = SANDBOX_STRIPE | {"STRIPE_MODE": "live", "STRIPE_SECRET_KEY": "sk_live_1"}
LIVE_MPESA = {
    "MPESA_MODE": "live",
    "MPESA_BASE_URL": "https://api.safaricom.co.ke",
    "MPESA_CONSUMER_KEY": "a key",
    "MPESA_CONSUMER_SECRET": "a consumer secret",
    "MPESA_PASSKEY": "a passkey",
    "MPESA_SECURITY_CREDENTIAL": "a credential",
}
LIVE_TWILIO = {
    "TWILIO_MODE": "live",
    "TWILIO_BASE_URL": "https://api.twilio.com",
    "TWILIO_ACCOUNT_SID": "AC1",
    "TWILIO_AUTH_TOKEN": "a token of the account",
    "TWILIO_FROM": "MG1",
}


def problems_of(monkeypatch: pytest.MonkeyPatch, *settings: dict[str, str]) -> dict[str, str]:
    """Return the problems of these settings together."""
    for one in settings:
        for name, value in one.items():
            monkeypatch.setenv(name, value)
    try:
        load_together(registry.SECTIONS)
    except UnsafeSettings as unsafe:
        return dict(unsafe.problems)
    return {}


class TestProvidersTogether:
    def test_live_providers_are_accepted(self, production: pytest.MonkeyPatch) -> None:
        assert problems_of(production, LIVE_BANK, LIVE_PAXOS) == {}

    def test_sandbox_is_refused_in_production(self, production: pytest.MonkeyPatch) -> None:
        for live in ({}, LIVE_BANK):
            problems = problems_of(production, live, SANDBOX_STRIPE)
            assert set(problems) == {"STRIPE_MODE"}
            assert "must be live in production, or STRIPE_API_BASE" in problems["STRIPE_MODE"]

    def test_sandboxes_are_accepted_in_staging(self, production: pytest.MonkeyPatch) -> None:
        sandbox = {"PBCEX_ENV": "staging", "PBCEX_SANDBOX_URL": "http://127.0.0.1:4000"}
        assert problems_of(production, SANDBOX_STRIPE, sandbox) == {}
        assert Settings.load().is_production

    def test_staging_has_the_other_checks_of_production(
        self, production: pytest.MonkeyPatch
    ) -> None:
        unsafe = {"PBCEX_ENV": "staging", "PBCEX_SECRET_KEY": "short", "REDIS_URL": ""}
        assert set(problems_of(production, unsafe)) == {"PBCEX_SECRET_KEY", "REDIS_URL"}

    def test_sandbox_beside_a_live_provider_is_refused_in_staging(
        self, production: pytest.MonkeyPatch
    ) -> None:
        problems = problems_of(production, {"PBCEX_ENV": "staging"}, LIVE_BANK, SANDBOX_STRIPE)
        assert problems == {"STRIPE_MODE": "must be live, as BANK_MODE: one mode for all"}

    @pytest.mark.parametrize("env", ["sample", "test"])
    def test_live_provider_is_refused_outside_production_and_staging(
        self, production: pytest.MonkeyPatch, env: str
    ) -> None:
        problems = problems_of(production, {"PBCEX_ENV": env}, LIVE_BANK)
        assert set(problems) == {"BANK_MODE"}
        assert f"must be sandbox with PBCEX_ENV={env}" in problems["BANK_MODE"]

    def test_own_sandbox_beside_a_live_provider_is_refused(
        self, production: pytest.MonkeyPatch
    ) -> None:
        sandbox = {"PBCEX_ENV": "staging", "PBCEX_SANDBOX_URL": "http://127.0.0.1:4000"}
        assert set(problems_of(production, LIVE_BANK, sandbox)) == {"PBCEX_SANDBOX_URL"}

    def test_mobile_money_needs_text_messages_that_verify_phones(
        self, production: pytest.MonkeyPatch
    ) -> None:
        problems = problems_of(production, LIVE_MPESA)
        reason = "is required: MPESA_BASE_URL is of no use without it"
        assert problems == {"TWILIO_BASE_URL": reason}
        assert problems_of(production, LIVE_TWILIO) == {}

    @pytest.mark.parametrize(
        ("live", "variable"),
        [
            (LIVE_STRIPE, "STRIPE_WEBHOOK_SECRET"),
            (LIVE_MPESA | LIVE_TWILIO, "MPESA_CONSUMER_SECRET"),
            (LIVE_TWILIO, "TWILIO_AUTH_TOKEN"),
        ],
    )
    def test_short_secret_that_proves_messages_of_a_provider_is_refused(
        self, production: pytest.MonkeyPatch, live: dict[str, str], variable: str
    ) -> None:
        assert problems_of(production, live, {variable: "x" * 16}) == {}
        problems = problems_of(production, live, {variable: "x" * 15})
        assert set(problems) == {variable}
        assert "must have 16 characters or more" in problems[variable]

    def test_public_key_of_the_sandbox_is_refused_as_a_secret_of_the_exchange(
        self, production: pytest.MonkeyPatch
    ) -> None:
        for variable in ("PBCEX_SECRET_KEY", "PBCEX_TOKEN_KEYS", "PBCEX_AUDIT_KEYS"):
            production.setenv(variable, f"one:{sandbox_secret('bank')}")
        assert set(problems_of(production)) == {
            "PBCEX_SECRET_KEY", "PBCEX_TOKEN_KEYS", "PBCEX_AUDIT_KEYS",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("secret", "problem"),
        [
            (",", "has an empty part"),
            (f"{BANK_SECRET},", "has an empty part"),
            ("short", "must have 32 characters or more"),
            (f"{BANK_SECRET},short", "must have 32 characters or more"),
            (sandbox_secret("bank webhook"), "is a public key of the sandbox"),
        ],
    )
    def test_weak_or_public_webhook_secret_is_refused(
        self, production: pytest.MonkeyPatch, secret: str, problem: str
    ) -> None:
        problems = problems_of(production, LIVE_BANK, {"BANK_WEBHOOK_SECRET": secret})
        assert set(problems) == {"BANK_WEBHOOK_SECRET"}
        assert problem in problems["BANK_WEBHOOK_SECRET"]

    def test_addresses_and_keys_that_other_settings_need_are_named_at_once(
        self, production: pytest.MonkeyPatch
    ) -> None:
        missing = {
            "METALPRICEAPI_KEY": "is required: PBCEX_PRICE_FEEDS names metalpriceapi",
            "PAXOS_BASE_URL": "is required: PBCEX_PRICE_FEEDS names paxos",
            "SENDGRID_BASE_URL": "is required: PBCEX_MAILER is sendgrid",
        }
        needs = {"PBCEX_PRICE_FEEDS": "metalpriceapi, paxos", "PBCEX_MAILER": "sendgrid"}
        assert problems_of(production, needs) == missing
        problems = problems_of(production, {"PBCEX_PRICE_FEEDS": "metalpriceapi, paxos, tea"})
        assert "must be some of" in problems.pop("PBCEX_PRICE_FEEDS")
        assert problems == {name: missing[name] for name in ("PAXOS_BASE_URL", "SENDGRID_BASE_URL")}

    def test_provider_that_another_setting_names_may_be_live_or_played_by_the_sandbox(
        self, production: pytest.MonkeyPatch
    ) -> None:
        needs = {"PBCEX_PRICE_FEEDS": "paxos", "METALPRICEAPI_KEY": ""}
        assert problems_of(production, needs, LIVE_PAXOS) == {}
        for name in LIVE_PAXOS:
            production.delenv(name)
        sandbox = {"PBCEX_ENV": "staging", "PBCEX_SANDBOX_URL": "http://127.0.0.1:4000"}
        assert problems_of(production, needs, sandbox, {"PBCEX_MAILER": "sendgrid"}) == {}

    def test_problems_of_servers_and_providers_are_named_together_outside_production(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        unsafe = {
            "PBCEX_DATA_DIR": str(tmp_path),
            "SENDGRID_WEBHOOK_PUBLIC_KEY": "no key",
            "STRIPE_API_BASE": "api.stripe.com",
        }
        for name, value in unsafe.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(UnsafeSettings) as refused:
            create_app()
        assert {"DATABASE_URL", "REDIS_URL", "SENDGRID_WEBHOOK_PUBLIC_KEY", "STRIPE_API_BASE"} <= (
            set(refused.value.problems)
        )

    def test_problems_of_every_kind_are_named_at_once(self, production: pytest.MonkeyPatch) -> None:
        unsafe = {"REDIS_URL": "", "BANK_WEBHOOK_SECRET": ",", "PBCEX_ARGON2_MEMORY_KIB": "1024"}
        assert set(problems_of(production, LIVE_BANK, SANDBOX_STRIPE, unsafe)) == {
            "REDIS_URL", "BANK_WEBHOOK_SECRET", "PBCEX_ARGON2_PASSES", "STRIPE_MODE",
        }  # fmt: skip
