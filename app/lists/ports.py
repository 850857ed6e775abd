"""What the room needs from the pages that declare the lists."""

from collections.abc import Iterator
from typing import Protocol

from app.access import Actor
from app.kit.db import Session


class ListCsv(Protocol):
    """Renders lists by name."""

    def lines(
        self, session: Session, actor: Actor, list_name: str, query: str
    ) -> Iterator[list[str]]:
        """Yield the heading and every matching row, as cells of text, in the order of the page.

        `query` is the search as in the page's URL. Raises `LookupError` for an unknown list, and
        `PermissionDenied`.
        """
        ...
