"""Reading of the SDN list's files, as OFAC at the US Treasury publishes them.

Four files of quoted CSV without a header: `sdn.csv` (the parties), `alt.csv` (their other names),
`add.csv` (their postal addresses) and `sdn_comments.csv` (the rest of remarks that were too long
for sdn.csv, continuing in the middle of a word). `-0- ` means empty.
"""

import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from app.screening.errors import InvalidList
from app.screening.rules import PartyType

SDN, ALT, ADD, COMMENTS = "sdn.csv", "alt.csv", "add.csv", "sdn_comments.csv"
_FIELDS = {SDN: 12, ALT: 5, ADD: 6, COMMENTS: 2}
_DETAILS = (
    "title",
    "call sign",
    "vessel type",
    "tonnage",
    "gross registered tonnage",
    "flag",
    "owner",
)
_ALIAS_KINDS = frozenset({"aka", "fka", "nka"})
_PARTY_TYPES = {
    "": PartyType.ENTITY,
    **{sort.value: sort for sort in PartyType if sort is not PartyType.ENTITY},
}
# The last field of a file may be truncated.
_EMPTY_FIELD = re.compile(r"-0-?")
#: The end-of-file character that old tools write.
_END_OF_FILE = "\x1a"
_NUMBER = re.compile(r"[0-9]{1,9}")
_FILE_BYTES_MAX = 200 * 1024 * 1024

AliasFields = tuple[str, str, str]
PostalAddressFields = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class SdnEntry:
    """A listed party with everything in the files.

    `aliases`: kind, name, remarks. `addresses`: street, city, country, remarks. `details`: title,
    and a ship's particulars, as far as they are given.
    """

    number: int
    name: str
    party_type: PartyType
    programs: tuple[str, ...]
    remarks: str
    details: Mapping[str, str]
    aliases: tuple[AliasFields, ...]
    addresses: tuple[PostalAddressFields, ...]

    @property
    def digest(self) -> bytes:
        """SHA-256 of the whole entry."""
        whole = [
            self.number, self.name, self.party_type, self.programs, self.remarks,
            dict(self.details), self.aliases, self.addresses,
        ]  # fmt: skip
        return sha256(json.dumps(whole, sort_keys=True).encode()).digest()


@dataclass(frozen=True, slots=True)
class SdnFiles:
    """The list as in the files.

    `unnamed` entries are known only from the comments: files of different days do not quite fit
    each other, and a listed wallet address stays listed.
    """

    digest: bytes
    entries: tuple[SdnEntry, ...]
    unnamed: tuple[SdnEntry, ...]


def read_files(folder: Path) -> SdnFiles:
    """Read the list from a folder with the four files.

    Raises `InvalidList` for the first invalid line.
    """
    digest = sha256()
    for file in _FIELDS:
        digest.update(f"{file}\n".encode() + sha256(_bytes(folder, file)).digest())
    parties = {number: (line, fields) for line, number, fields in _rows(folder, SDN)}
    if not parties:
        raise InvalidList(SDN, 1, "the file has no entries")
    aliases: dict[int, list[AliasFields]] = defaultdict(list)
    for line, number, (_, kind, name, remarks) in _rows(folder, ALT, parties):
        if kind not in _ALIAS_KINDS or not name:
            raise InvalidList(ALT, line, "expected aka, fka or nka, and a name")
        aliases[number].append((kind, name, remarks))
    addresses: dict[int, list[PostalAddressFields]] = defaultdict(list)
    for _line, number, (_, street, city, country, remarks) in _rows(folder, ADD, parties):
        addresses[number].append((street, city, country, remarks))
    overflow: dict[int, str] = defaultdict(str)
    for _line, number, (text,) in _rows(folder, COMMENTS):
        overflow[number] += text
    entries = tuple(
        replace(
            _entry(line, number, fields),
            remarks=fields[-1] + overflow.get(number, ""),
            aliases=tuple(aliases[number]),
            addresses=tuple(addresses[number]),
        )
        for number, (line, fields) in sorted(parties.items())
    )
    unnamed = tuple(
        SdnEntry(number, "", PartyType.ENTITY, (), overflow[number], {}, (), ())
        for number in sorted(overflow.keys() - parties.keys())
    )
    return SdnFiles(digest.digest(), entries, unnamed)


def _entry(line: int, number: int, fields: list[str]) -> SdnEntry:
    """Return the entry from a line of sdn.csv alone."""
    name, sort, programs, *details, remarks = fields
    if not name:
        raise InvalidList(SDN, line, "the name is missing")
    if sort not in _PARTY_TYPES:
        raise InvalidList(SDN, line, "expected individual, vessel, aircraft or an empty type")
    present_details = {label: text for label, text in zip(_DETAILS, details, strict=True) if text}
    program_names = tuple(
        name_of_program for name_of_program in programs.strip("[]").split("] [") if name_of_program
    )
    return SdnEntry(
        number, name, _PARTY_TYPES[sort], program_names, remarks, present_details, (), ()
    )


def _rows(
    folder: Path, file: str, parties: Mapping[int, object] | None = None
) -> Iterator[tuple[int, int, list[str]]]:
    """Yield line number, the party's number, and the other fields.

    Raises `InvalidList` for a party that is not among `parties`, if they are given.
    """
    seen: set[int] = set()
    for line, fields in _lines(folder, file):
        if len(fields) != _FIELDS[file]:
            raise InvalidList(file, line, f"expected {_FIELDS[file]} fields, found {len(fields)}")
        if not _NUMBER.fullmatch(fields[0]):
            raise InvalidList(file, line, "expected a number at the start")
        number = int(fields[0])
        if file == SDN and number in seen:
            raise InvalidList(file, line, f"entry {number} occurs a second time")
        if parties is not None and number not in parties:
            raise InvalidList(file, line, f"entry {number} is not in {SDN}")
        seen.add(number)
        # Truncated text continues in another file: a space at its end counts.
        *short_fields, running_text = fields[1:]
        yield line, number, [*(_text(field).strip() for field in short_fields), _text(running_text)]


def _lines(folder: Path, file: str) -> Iterator[tuple[int, list[str]]]:
    try:
        text = _bytes(folder, file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InvalidList(file, line, "the text is not UTF-8") from None
    if "\x00" in text:
        raise InvalidList(file, text[: text.index("\x00")].count("\n") + 1, "the file is not text")
    reader = csv.reader(text.rstrip("\r\n" + _END_OF_FILE).splitlines(keepends=True), strict=True)
    while True:
        # A record may span several lines: report where it begins.
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InvalidList(file, line, str(error)) from None
        yield line, fields


def _bytes(folder: Path, file: str) -> bytes:
    path = folder / file
    try:
        if path.stat().st_size > _FILE_BYTES_MAX:
            raise InvalidList(file, 1, "the file is too large")
        return path.read_bytes()
    except OSError as error:
        raise InvalidList(file, 1, f"the file cannot be read: {error.strerror}") from None


def _text(field: str) -> str:
    return "" if _EMPTY_FIELD.fullmatch(field.strip()) else field
