"""Anchors of the audit trail as files: one JSON document a day in the data folder.

A day's file is replaced as a whole (written beside it, then renamed), so it can be read or copied
at any time.
"""

import json
import os
import tempfile
from dataclasses import asdict, fields
from pathlib import Path

from app.audit.ports import Anchor, UnreadableAnchor

_TYPES = {field.name: int if field.name == "position" else str for field in fields(Anchor)}


class AnchorFiles:
    """The anchors in a folder, which is created with the first anchor."""

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
        """Return the anchor of the latest day."""
        names = self.names()
        return self.read(names[-1]) if names else None

    def names(self) -> list[str]:
        """Return the file names in the order of days."""
        return sorted(file.name for file in self._folder.glob("[0-9]*.json"))

    def read(self, name: str) -> Anchor:
        """Return the anchor in a file. Raises `UnreadableAnchor`."""
        try:
            payload = json.loads((self._folder / name).read_text(encoding="ascii"))
        except (OSError, ValueError) as error:
            raise UnreadableAnchor(name) from error
        if (
            not isinstance(payload, dict)
            or {key: type(value) for key, value in payload.items()} != _TYPES
        ):
            raise UnreadableAnchor(name)
        return Anchor(**payload)
