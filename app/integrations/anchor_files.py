"""Anchors of the audit trail as files: one JSON document a day in the data folder.

A day's file is replaced whole (written beside it, then renamed), so that it can be read, copied and
carried away at any moment.
"""

import json
import os
import tempfile
from dataclasses import asdict, fields
from pathlib import Path

from app.audit.ports import Anchor, UnreadableAnchor

_TYPES = {field.name: int if field.name == "position" else str for field in fields(Anchor)}


class AnchorFiles:
    """The anchors in a folder, which is made when the first one is kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def store(self, anchor: Anchor) -> None:
        """Replace the day's file. Raises `OSError` if the folder cannot be written."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=self._folder, prefix=".")
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                json.dump(asdict(anchor), file, indent=2)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            Path(beside).replace(self._folder / f"{anchor.day}.json")
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise

    def latest(self) -> Anchor | None:
        """The latest day's."""
        names = self.names()
        return self.read(names[-1]) if names else None

    def names(self) -> list[str]:
        """Each file's, in the order of days."""
        return sorted(file.name for file in self._folder.glob("[0-9]*.json"))

    def read(self, name: str) -> Anchor:
        """The anchor in a file."""
        try:
            found = json.loads((self._folder / name).read_text(encoding="ascii"))
        except (OSError, ValueError) as error:
            raise UnreadableAnchor(name) from error
        if (
            not isinstance(found, dict)
            or {key: type(value) for key, value in found.items()} != _TYPES
        ):
            raise UnreadableAnchor(name)
        return Anchor(**found)
