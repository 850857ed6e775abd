"""Committed files, compared with the present state so that each change is reviewed."""

import os
from difflib import unified_diff
from pathlib import Path

HERE = Path(__file__).parent


def check(file: Path, lines: list[str]) -> None:
    """Compare the lines with the committed file; with SNAPSHOTS=write, write it first."""
    text = "".join(f"{line.rstrip()}\n" for line in lines)
    if os.environ.get("SNAPSHOTS") == "write":
        file.write_text(text, encoding="utf-8")
    written = file.read_text(encoding="utf-8")
    changes = unified_diff(written.splitlines(), text.splitlines(), "committed", "now", n=0)
    hint = f"if intended: run this test with SNAPSHOTS=write, and commit {file.name}"
    assert text == written, "\n".join([hint, *changes])


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """Return the rows as lines, each column as wide as its widest cell."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
