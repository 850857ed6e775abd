"""Bearer tokens: fetched when needed, kept for their lifetime, renewed when rejected."""

from collections.abc import Callable, Mapping

import pytest

from app.integrations import bearer_token
from app.integrations.bearer_token import UNTIL_REJECTED, BearerToken
from app.integrations.transport import HttpResponse
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable


class Api:
    """Issues numbered tokens and takes the newest only."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.issued = seconds, 0

    def issue(self) -> tuple[str, float]:
        self.issued += 1
        return f"token-{self.issued}", self.seconds

    def respond(self, headers: Mapping[str, str]) -> HttpResponse:
        is_valid = headers["Authorization"] == f"Bearer token-{self.issued}"
        return HttpResponse(200 if is_valid else 401, {}, b"{}")


@pytest.fixture
def pass_seconds(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    now = [1000.0]
    monkeypatch.setattr(bearer_token.time, "monotonic", lambda: now[0])

    def move(seconds: float) -> None:
        now[0] += seconds

    return move


def test_token_is_kept_until_a_minute_before_its_end(
    pass_seconds: Callable[[float], None],
) -> None:
    api = Api(seconds=3600)
    token = BearerToken(api.issue)
    for seconds, issued in ((0, 1), (3539, 1), (1, 2), (3539, 2)):
        pass_seconds(seconds)
        assert token.send(api.respond).is_success
        assert api.issued == issued


def test_rejected_token_is_renewed_once() -> None:
    api = Api(seconds=UNTIL_REJECTED)
    token = BearerToken(api.issue)
    assert token.send(api.respond).is_success
    api.issue()
    assert token.send(api.respond).is_success
    assert api.issued == 3
    assert token.send(lambda _headers: HttpResponse(401, {}, b"{}")).status == 401
    assert api.issued == 4


def test_token_that_another_thread_renewed_is_not_renewed_again() -> None:
    api = Api(seconds=UNTIL_REJECTED)
    token = BearerToken(api.issue)

    def overtaken(headers: Mapping[str, str]) -> HttpResponse:
        if headers["Authorization"] == "Bearer token-1":
            api.issue()
            token.send(api.respond)  # the other thread gets the third token
        return api.respond(headers)

    assert token.send(overtaken).is_success
    assert api.issued == 3


@pytest.mark.parametrize("failure", [ProviderOutcomeUnknown("late"), ProviderRefused("wrong-key")])
def test_request_without_a_token_is_certainly_not_sent(failure: Exception) -> None:
    def issue() -> tuple[str, float]:
        raise failure

    with pytest.raises(ProviderUnavailable, match="There is no token"):
        BearerToken(issue).send(lambda _headers: pytest.fail("sent without a token"))
