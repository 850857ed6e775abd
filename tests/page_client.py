"""A browser without script, which fetches pages of the application and checks each of them.

On every page the title begins with the only h1, there is one main, each input has a label, each
form an action and a CSRF token, no link holds an email address, ids are unique, no text shows a
Python value or template syntax, there is no inline script or style, and each element with HTMX
attributes carries the nonce.
"""

import re
from html.parser import HTMLParser
from urllib.parse import unquote
from uuid import uuid4

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

#: The elements without an end tag that the pages use.
_VOID = frozenset({"br", "col", "hr", "img", "input", "link", "meta", "wbr"})
_LEAKS = re.compile(r"\bNone\b|Decimal\(|Amount\(|\{\{|\{%|Undefined|object at 0x")
_UNLABELLED = frozenset({"hidden", "submit", "button"})
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


class Page(HTMLParser):
    """A parsed page or fragment: its elements, its headings and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: dict[str, list[str]] = {}
        self.visible_text = ""
        self.hidden_fields: dict[str, dict[str, str]] = {}
        self._form = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == [], f"elements without an end tag: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self._keep_hidden(tag, dict(self.tags[-1][1]))
        if tag in {"title", "h1", "h2"}:
            self.texts.setdefault(tag, []).append("")
        if tag not in _VOID:
            self._open.append(tag)

    def _keep_hidden(self, tag: str, attributes: dict[str, str]) -> None:
        """Keep the hidden fields of each form, which a browser sends with it."""
        if tag == "form":
            self._form = attributes.get("id", "")
            self.hidden_fields.setdefault(self._form, {})
        elif tag == "input" and attributes.get("type") == "hidden" and self._form:
            self.hidden_fields[self._form][attributes["name"]] = attributes["value"]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1] == tag, f"</{tag}> closes <{self._open[-1]}>"
        if tag == "form":
            self._form = ""
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self.visible_text += data
        for tag in ("title", "h1", "h2"):
            if tag in self._open:
                self.texts[tag][-1] += data

    def all(self, tag: str, **expected: str) -> list[dict[str, str]]:
        """Return the attributes of each element with this tag and these attributes."""
        return [
            attributes
            for name, attributes in self.tags
            if name == tag and all(attributes.get(key) == value for key, value in expected.items())
        ]

    @property
    def ids(self) -> list[str]:
        """The ids of all elements, in their order."""
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]


def check_page(response: TestResponse, *, fragment: str | None = None) -> Page:
    """Run every check on the response and return the parsed page.

    `fragment` is the id of the root element where a fragment is expected, not a whole page.
    """
    text = response.get_data(as_text=True)
    assert response.content_type == "text/html; charset=utf-8"
    assert "HX-Request" in response.headers["Vary"]
    assert response.headers["Cache-Control"] == "no-store"
    page = Page(text)
    ids = page.ids
    assert len(ids) == len(set(ids)), f"ids are not unique: {sorted(ids)}"
    assert not _LEAKS.search(page.visible_text), _LEAKS.search(page.visible_text)
    _check_forms(page)
    _check_policy(page, response)
    if fragment is None:
        assert len(page.all("main")) == 1
        assert len(page.texts["h1"]) == 1
        assert page.texts["title"][0].strip().startswith(page.texts["h1"][0].strip())
    else:
        assert page.tags[0][1].get("id") == fragment
        assert not page.all("html")
    return page


def _check_forms(page: Page) -> None:
    labelled = {attributes.get("for") for attributes in page.all("label")}
    for tag in ("input", "select", "textarea"):
        for attributes in page.all(tag):
            if attributes.get("type") not in _UNLABELLED:
                assert "aria-label" in attributes or attributes["id"] in labelled, attributes
    forms = page.all("form")
    assert all(form["action"].startswith("/") for form in forms)
    # What is typed into a form is in no URL, not even what is searched for.
    assert all(form["method"] == "post" for form in forms)
    assert len(page.all("input", name="csrf_token")) == len(forms)
    for _, attributes in page.tags:
        for name in ("href", "action", "hx-get"):
            url = attributes.get(name, "")
            assert "@" not in unquote(url) or url.startswith("mailto:"), url


def _check_policy(page: Page, response: TestResponse) -> None:
    policy = response.headers["Content-Security-Policy"]
    [nonce] = re.findall(r"script-src 'nonce-([^']+)';", policy)
    assert "unsafe" not in policy
    for tag, attributes in page.tags:
        assert "style" not in attributes, (tag, attributes)
        assert not any(name.startswith(("on", "hx-on")) for name in attributes), attributes
        if tag == "script":
            assert attributes["nonce"] == nonce
            assert attributes["src"].startswith("/static/")
        if any(name.startswith("hx-") for name in attributes):
            assert attributes["hx-nonce"] == nonce, attributes
    assert not page.all("style")


class Browser:
    """A browser with an IP address of its own, so that it shares no rate limit."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()
        digits = uuid4().hex[:16]
        ip_address = ":".join(digits[index : index + 4] for index in range(0, 16, 4)) + "::1"
        self.client.environ_base["REMOTE_ADDR"] = ip_address

    def get_page(self, path: str, status: int = 200) -> Page:
        """Fetch a whole page and check it."""
        response = self.client.get(path)
        assert response.status_code == status, (response.status_code, response.headers)
        return check_page(response)

    def get_fragment(self, path: str, root: str) -> Page:
        """Fetch a fragment as HTMX does and check it; the page must contain the same bytes."""
        response = self.client.get(path, headers=HTMX)
        assert response.status_code == 200
        page = check_page(response, fragment=root)
        whole = self.client.get(path)
        assert _without_secrets(response) in _without_secrets(whole)
        return page

    def submit_form(self, path: str, form: str, **fields: str) -> TestResponse:
        """Send the form with the id `form` of the page at `path`, with its hidden fields."""
        page = self.get_page(path)
        [attributes] = page.all("form", id=form)
        return self.client.post(attributes["action"], data={**page.hidden_fields[form], **fields})

    def fill_form(self, path: str, form: str, **fields: str) -> dict[str, str]:
        """Return the fields of the form with the id `form` of the page at `path`, with these."""
        return {**self.get_page(path).hidden_fields[form], **fields}

    def csrf_token(self) -> str:
        """Return a CSRF token, for a form that is sent without fetching its page."""
        return self.get_page("/").all("input", name="csrf_token")[0]["value"]

    def sign_in(self, email: str, password: str, *, then: str = "") -> TestResponse:
        """Sign in by the form; `then` is the path to open next."""
        fields = {"email": email, "password": password} | ({"next": then} if then else {})
        return self.submit_form("/auth/login", "sign-in", **fields)

    def session_cookie(self) -> str:
        """Return the value of the session cookie."""
        cookie = self.client.get_cookie("pbcex")
        assert cookie is not None
        return cookie.value


def _without_secrets(response: TestResponse) -> str:
    text = response.get_data(as_text=True)
    text = re.sub(r'nonce="[^"]+"', 'nonce="…"', text)
    text = re.sub(r"=(~|%7E)[\w-]+", "=~…", text)
    return re.sub(
        r'name="(csrf|form)_token" value="[^"]+"', r'name="\1_token" value="…"', text
    ).strip()
