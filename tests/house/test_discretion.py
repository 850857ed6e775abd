"""No file of the project names the machine or the place where it was made."""

import os
import re
import socket
from pathlib import Path

import pytest

from tests.house.source import CHECKOUT, files

#: Working folders of people and build machines; the product runs in any folder.
_MACHINE_PATHS = re.compile(r"(?<![\w.:/~-])/(work|home|root|Users|workspace|build|mnt|srv)/\w")
#: The installer decides where packages come from.
_REGISTRIES = re.compile(
    r"(--(extra-)?index-url|_INDEX_URL|artifact[o]ry|/simple/?\"|regis[t]ry\.npm|proxy\.gol[a]ng"
    r"|files\.pythonh[o]sted)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\b(10|172|192)(\.\d{1,3}){3}\b")
_RESERVED = re.compile(r"\b(192\.0\.2|10\.0\.0|192\.168\.\d+)\.\d+\b")


def _texts() -> list[tuple[str, str]]:
    return [
        (name, (CHECKOUT / name).read_text(encoding="utf-8"))
        for name in files()
        if not name.endswith((".png", ".ico", ".woff2"))
    ]


@pytest.mark.parametrize("pattern", [_MACHINE_PATHS, _REGISTRIES])
def test_no_file_names_a_path_or_host_of_a_workplace(pattern: re.Pattern[str]) -> None:
    places = [
        f"{name}: {match[0]}"
        for name, text in _texts()
        if name != "tests/house/test_discretion.py"
        for match in pattern.finditer(text)
    ]
    assert places == []


def test_no_file_names_this_machine() -> None:
    names = {str(CHECKOUT), str(Path.home()), socket.gethostname(), os.environ.get("PIP_INDEX_URL")}
    searched = {word for word in names if word and len(word) > 6 and word != "localhost"}
    places = [f"{name}: {word}" for name, text in _texts() for word in searched if word in text]
    assert places == []


def test_ip_addresses_are_reserved_for_examples() -> None:
    places = [
        f"{name}: {match[0]}"
        for name, text in _texts()
        for match in _ADDRESS.finditer(text)
        if not _RESERVED.fullmatch(match[0])
    ]
    assert places == [], "use 192.0.2.1, 2001:db8:: or example.com"
