"""Error codes are promises: each has one meaning and one status, and is in docs/errors.md."""

import pytest

from app.blueprints.errors import list_error_codes, status_of
from app.kit.errors import Refusal
from tests.house import snapshot
from tests.house.source import CHECKOUT, import_product

DOCUMENT = CHECKOUT / "docs" / "errors.md"


def _product_codes() -> dict[str, list[type[Refusal]]]:
    """Return the catalogue without refusals that tests declare."""
    import_product()
    codes = {
        code: [kind for kind in kinds if kind.__module__.startswith("app.")]
        for code, kinds in list_error_codes().items()
    }
    return {code: kinds for code, kinds in codes.items() if kinds}


@pytest.mark.parametrize("code", sorted(_product_codes()))
def test_error_code_has_one_meaning_and_one_status(code: str) -> None:
    general, *refined = _product_codes()[code]
    assert code.isidentifier()
    assert code == code.lower()
    assert len({status_of(kind) for kind in (general, *refined)}) == 1
    for kind in refined:
        assert issubclass(kind, general), f"{kind.__name__} and {general.__name__} share {code}"


def test_every_error_code_is_documented() -> None:
    rows = [("Code", "Status", "Meaning"), ("---", "---", "---")]
    for code, kinds in _product_codes().items():
        meaning = " ".join((kinds[0].__doc__ or "").split())
        rows.append((f"`{code}`", str(status_of(kinds[0])), meaning))
    lines = [f"| {' | '.join(row)} |" for row in rows]
    begin, end = "<!-- codes -->", "<!-- end of codes -->"
    head, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(begin)
    _, _, tail = rest.partition(end)
    whole = [*(head + begin).splitlines(), "", *lines, "", *(end + tail).splitlines()]
    snapshot.check(DOCUMENT, whole)


def test_every_refusal_has_a_docstring() -> None:
    silent = [
        kind.__name__ for kinds in _product_codes().values() for kind in kinds if not kind.__doc__
    ]
    assert silent == []
