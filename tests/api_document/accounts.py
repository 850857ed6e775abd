"""Exchanges about accounts, credentials and the second factor."""

from app.access import Role
from app.config import Environment
from app.factory import create_app
from app.identity.accounts import account_status
from tests.api_client import ACCEPTED_POLICIES, PASSWORD, ApiClient, assert_problem
from tests.api_document.examples import RecordingClient
from tests.api_document.play import CONVERSION, Play
from tests.mailbox import run_pending_jobs
from tests.people import PASSWORD as STAFF_PASSWORD
from tests.people import People
from tests.staff import create_member_with_app

_AUTH = "/api/auth"
_CREDENTIALS = {"email": "grace@example.com", "password": PASSWORD}


def open_account(play: Play) -> RecordingClient:
    """Register Ada and confirm her address."""
    ada = play.client("ada")
    policies = [{"policy": "terms", "version": 1}]
    body = {"email": ada.email, "password": PASSWORD, "firstName": "Ada", "lastName": "Lovelace"}
    outdated = ada.post(f"{_AUTH}/register", {**body, "acceptedPolicies": policies})
    assert_problem(outdated, 409, "policy_outdated")
    ada.register(phone="+12025550123")
    assert_problem(ada.post(f"{_AUTH}/register", body), 409, "email_taken")
    assert_problem(ada.post("/api/trade/quote", CONVERSION), 403, "email_not_confirmed")
    for _ in range(4):
        ada.ok(202, ada.post(f"{_AUTH}/verify-email/resend"))
    assert_problem(ada.post(f"{_AUTH}/verify-email/resend"), 429, "rate_limited")
    run_pending_jobs(play.database)
    token = play.mailbox.latest_token(ada.email)
    ada.ok(200, ada.post(f"{_AUTH}/verify-email", {"token": token}))
    assert_problem(ada.post(f"{_AUTH}/verify-email", {"token": token}), 401, "token_invalid")
    assert_problem(ada.post(f"{_AUTH}/verify-email/resend"), 409, "email_already_confirmed")
    ada.user["emailConfirmed"] = True
    return ada


def refuse_without_policies(play: Play) -> None:
    """Refuse an order of a customer who has accepted no policy."""
    carl = play.client("carl")
    carl.join(acceptedPolicies=[]).credit(USD="100.00")
    assert_problem(carl.post("/api/trade/quote", CONVERSION), 403, "policies_not_accepted")


def sign_in_and_out(play: Play) -> None:
    """Sign Grace in, refresh her tokens, choose new passwords and sign her out."""
    grace = play.client("grace")
    grace.join(firstName="Grace", lastName="Hopper")
    grace.sign_in()
    wrong = {**_CREDENTIALS, "password": "not the password"}
    assert_problem(grace.post(f"{_AUTH}/login", wrong), 401, "invalid_credentials")
    refresh = {"refreshToken": grace.refresh_token}
    grace.token = grace.ok(200, grace.post(f"{_AUTH}/refresh", refresh))["accessToken"]
    grace.sign_in()
    assert_problem(grace.post(f"{_AUTH}/refresh", {"refreshToken": "x"}), 401, "token_invalid")
    grace.ok(200, grace.get(f"{_AUTH}/me"))
    wrong = {"currentPassword": "not the password", "newPassword": "battery staple"}
    assert_problem(grace.post(f"{_AUTH}/change-password", wrong), 401, "invalid_credentials")
    change = {"currentPassword": PASSWORD, "newPassword": "battery staple"}
    grace.ok(200, grace.post(f"{_AUTH}/change-password", change))
    grace.ok(202, grace.post(f"{_AUTH}/forgot-password", {"email": grace.email}))
    run_pending_jobs(play.database)
    reset = {"token": play.mailbox.latest_token(grace.email), "password": PASSWORD}
    grace.ok(200, grace.post(f"{_AUTH}/reset-password", reset))
    assert_problem(grace.post(f"{_AUTH}/reset-password", reset), 401, "token_invalid")
    grace.sign_in()
    assert grace.post(f"{_AUTH}/logout").status_code == 204


def sign_in_as_guest(play: Play) -> None:
    """Sign Edith in by a mailed link, without a password."""
    edith = play.client("edith")
    path = f"{_AUTH}/guest"
    body = {"email": edith.email, "firstName": "Edith", "lastName": "Clarke"}
    outdated = {**body, "acceptedPolicies": [{"policy": "terms", "version": 1}]}
    assert_problem(edith.post(path, outdated), 409, "policy_outdated")
    edith.ok(202, edith.post(path, {**body, "acceptedPolicies": ACCEPTED_POLICIES}))
    taken = {**body, "email": _CREDENTIALS["email"]}
    assert_problem(edith.post(path, taken), 409, "email_taken")
    run_pending_jobs(play.database)
    token = {"token": play.mailbox.latest_token(edith.email)}
    edith.ok(200, edith.post(f"{path}/confirm", token))
    assert_problem(edith.post(f"{path}/confirm", token), 401, "token_invalid")


def use_second_factor(play: Play) -> None:
    """Set up Grace's second factor, sign in with it and turn it off."""
    grace = play.client("grace")
    grace.sign_in()
    for path in ("2fa/confirm", "2fa"):
        method = "DELETE" if path == "2fa" else "POST"
        missing = grace.send(method, f"{_AUTH}/{path}", json={"code": "123456"})
        assert_problem(missing, 409, "two_factor_not_set_up")
    proof = {"password": PASSWORD, "code": "123456"}
    renew = f"{_AUTH}/2fa/recovery-codes"
    assert_problem(grace.post(renew, proof), 409, "two_factor_not_set_up")
    secret = grace.ok(200, grace.post(f"{_AUTH}/2fa/setup"))["secret"]
    confirm = f"{_AUTH}/2fa/confirm"
    assert_problem(grace.post(confirm, {"code": "000000"}), 401, "two_factor_invalid")
    grace.ok(200, grace.post(confirm, {"code": play.code(secret)}))
    assert_problem(grace.post(confirm, {"code": "123456"}), 409, "two_factor_on")
    assert_problem(grace.post(f"{_AUTH}/2fa/setup"), 409, "two_factor_on")
    wrong = {"password": "not the password", "code": "000000"}
    assert_problem(grace.post(renew, wrong), 401, "invalid_credentials")
    assert_problem(grace.post(renew, {**proof, "code": "000000"}), 401, "two_factor_invalid")
    grace.ok(200, grace.post(renew, {**proof, "code": play.code(secret)}))
    login, again = f"{_AUTH}/login", f"{_AUTH}/reauthenticate"
    for path, body in ((login, _CREDENTIALS), (again, {"password": PASSWORD})):
        assert_problem(grace.post(path, body), 401, "two_factor_required")
        assert_problem(grace.post(path, {**body, "code": "000000"}), 401, "two_factor_invalid")
    wrong = {"password": "not the password"}
    assert_problem(grace.post(again, wrong), 401, "invalid_credentials")
    code = {"code": play.code(secret)}
    assert grace.post(again, {"password": PASSWORD, **code}).status_code == 204
    off = f"{_AUTH}/2fa"
    assert_problem(grace.send("DELETE", off, json={"code": "000000"}), 401, "two_factor_invalid")
    assert grace.send("DELETE", off, json={"code": play.code(secret)}).status_code == 204


def refuse_a_suspended_person(play: Play) -> None:
    """Suspend Grace's account."""
    grace = play.client("grace")
    grace.sign_in()
    with play.database.transaction() as session:
        account_status.suspend_customer(session, None, grace.user_id, reason="reported by the bank")
    assert_problem(grace.post(f"{_AUTH}/login", _CREDENTIALS), 403, "account_suspended")


def sign_in_staff(play: Play) -> None:
    """Refuse staff without a second factor, and show the exposure to an administrator."""
    settings = play.app.extensions["settings"].model_copy(update={"env": Environment.TEST})
    strict = create_app(settings)
    try:
        program = play.client("staff", strict)
        email = People(play.database).staff(Role.ADMIN).email
        body = {"email": email, "password": STAFF_PASSWORD}
        missing = program.post(f"{_AUTH}/login", body)
        assert_problem(missing, 403, "second_factor_missing")
        member = create_member_with_app(play.database)
        plain = ApiClient(strict)
        body = {"email": member.email, "password": STAFF_PASSWORD, "code": member.code()}
        program.token = plain.ok(200, plain.post(f"{_AUTH}/login", body))["accessToken"]
        code = {"code": member.recovery_codes[0]}
        last = program.send("DELETE", f"{_AUTH}/2fa", json=code)
        assert_problem(last, 409, "last_second_factor")
        program.ok(200, program.get("/api/admin/exposure"))
    finally:
        strict.extensions["database"].engine.dispose()
