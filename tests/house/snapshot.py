"""Tables that are committed to be reviewed: what changes them has to be meant."""

import os
from difflib import unified_diff
from pathlib import Path

HERE = Path(__file__).parent


def check(file: Path, lines: list[str]) -> None:
    """Compare with the committed file; with SNAPSHOTS=write, write it first."""
    text = "".join(f"{line.rstrip()}\n" for line in lines)
    if os.environ.get("SNAPSHOTS") == "write":
        file.write_text(text, encoding="utf-8")
    written = file.read_text(encoding="utf-8")
    changes = unified_diff(written.splitlines(), text.splitlines(), "committed", "now", n=0)
    how = f"if this is meant: SNAPSHOTS=write bin/test tests/house, and commit {file.name}"
    assert text == written, "\n".join([how, *changes])


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """Rows in columns as wide as their widest cell."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
