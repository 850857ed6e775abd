"""The public pages of the policies."""

from pathlib import Path

import pytest

from app.access.consents import POLICIES
from app.privacy.rules import find_policy_version
from tests.page_client import Browser

TEMPLATES = Path(__file__).parents[2] / "app" / "templates" / "public" / "policies"


def test_every_policy_version_has_a_page_and_a_template(visitor: Browser) -> None:
    index = visitor.get_page("/policies")
    links = {link["href"] for link in index.all("a") if link["href"].startswith("/policies/")}
    versions = {
        (policy.name.value, number)
        for policy in POLICIES.values()
        for number in range(1, policy.version + 1)
    }
    assert links == {f"/policies/{name}/{number}" for name, number in versions}
    texts = {path.name for path in TEMPLATES.glob("*.v*.html")}
    assert texts == {f"{name}.v{number}.html" for name, number in versions}
    for link in sorted(links):
        page = visitor.get_page(link)
        assert len(page.visible_text) > 500
        assert page.texts["h2"]


def test_home_page_links_to_the_policies(visitor: Browser) -> None:
    assert any(link["href"] == "/policies" for link in visitor.get_page("/").all("a"))


@pytest.mark.parametrize(
    "path", ["terms/99", "terms/0", "terms/01", "terms/-1", "terms/x", "cookies/1", "terms/١"]
)
def test_unknown_policy_or_version_is_not_found(visitor: Browser, path: str) -> None:
    visitor.get_page(f"/policies/{path}", status=404)
    assert find_policy_version(*path.split("/")) is None
