"""Reading of the files: their content, and errors by file and line."""

import shutil
from pathlib import Path

import pytest

from app.sample.lists import FIRST_LIST as SANCTIONS
from app.screening.errors import InvalidList
from app.screening.lists import sdn
from app.screening.rules import PartyType
from tests import sanctions


def test_sample_list_is_read() -> None:
    files = sdn.read_files(SANCTIONS)
    first, second, third, fourth = files.entries
    assert (first.number, first.party_type, first.programs) == (
        1,
        PartyType.INDIVIDUAL,
        ("SAMPLE",),
    )
    assert first.aliases == (
        ("aka", "ESPERPENTO, Dragan", ""),
        ("fka", "VILLANUEVA, Drago", ""),
    )
    assert first.addresses == (("1 Invented Street", "Samplegrad", "Moldova", ""),)
    assert second.programs == ("SAMPLE", "SAMPLE2")
    assert second.details == {"title": "Treasurer of Shadow Bullion"}
    # Truncated remarks continue in the comments.
    assert second.remarks.endswith("Linked To: SHADOW BULLION TRADING LLC.")
    assert third.party_type is PartyType.ENTITY
    assert fourth.details["gross registered tonnage"] == "17000"
    assert fourth.details["owner"] == "SHADOW BULLION TRADING LLC"
    assert files.unnamed == ()


def test_real_list_is_read(shared_data: Path) -> None:
    files = sdn.read_files(shared_data / "ofac")
    assert len(files.entries) == 7379
    assert sum(len(entry.aliases) for entry in files.entries) == 9682
    assert sum(len(entry.addresses) for entry in files.entries) == 11696
    sorts = [entry.party_type for entry in files.entries]
    assert {sort: sorts.count(sort) for sort in PartyType} == {
        PartyType.INDIVIDUAL: 3845, PartyType.ENTITY: 2994, PartyType.VESSEL: 323,
        PartyType.AIRCRAFT: 217,
    }  # fmt: skip
    # The comments are from a later day than the other files.
    assert [entry.number for entry in files.unnamed][:3] == [17018, 27307, 28263]
    [resumed] = [entry for entry in files.entries if entry.number == 12300]
    assert "Linked To: PROMO RAIZ S.A.S.;" in resumed.remarks
    assert all(entry.name and "-0-" not in entry.name for entry in files.entries)


def test_change_in_any_file_changes_the_digest(tmp_path: Path) -> None:
    before = sdn.read_files(SANCTIONS)
    for file, word in (
        (sdn.SDN, "Shadow"),
        (sdn.ALT, "Drago"),
        (sdn.ADD, "Invented"),
        (sdn.COMMENTS, "LLC"),
    ):
        folder = shutil.copytree(SANCTIONS, tmp_path / file)
        text = (folder / file).read_text()
        (folder / file).write_text(text.replace(word, "another"))
        after = sdn.read_files(folder)
        assert after.digest != before.digest
        assert [entry.digest for entry in after.entries] != [e.digest for e in before.entries]


ONE = '1,"ONE",-0- ,"X",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- '


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        (sdn.SDN, "", "sdn.csv, line 1: the file has no entries"),
        (sdn.SDN, f"{ONE}\n2,\"TWO\",-0- ", "sdn.csv, line 2: expected 12 fields, found 3"),
        (sdn.SDN, f"{ONE}\n{ONE}", "sdn.csv, line 2: entry 1 occurs a second time"),
        (sdn.SDN, ONE.replace("1", "x", 1), "sdn.csv, line 1: expected a number at the start"),
        (sdn.SDN, ONE.replace("1", "-1", 1), "sdn.csv, line 1: expected a number at the start"),
        (sdn.SDN, ONE.replace('"ONE"', "-0- "), "sdn.csv, line 1: the name is missing"),
        (sdn.SDN, ONE.replace('-0- ,"X"', '"ghost","X"'), "sdn.csv, line 1: expected individual"),
        (sdn.SDN, ONE.replace("ONE", "O\x00E"), "sdn.csv, line 1: the file is not text"),
        (sdn.SDN, f'{ONE}\n2,"TWO', "sdn.csv, line 2: unexpected end of data"),
        (sdn.ALT, '1,1,"aka","A",-0- \n1,2,"also","B",-0- ', "alt.csv, line 2: expected aka"),
        (sdn.ALT, '1,1,"aka",-0- ,-0- ', "alt.csv, line 1: expected aka"),
        (sdn.ALT, '9,1,"aka","A",-0- ', "alt.csv, line 1: entry 9 is not in sdn.csv"),
        (sdn.ADD, "9,1,-0- ,-0- ,-0- ,-0- ", "add.csv, line 1: entry 9 is not in sdn.csv"),
        (sdn.ADD, "<html>", "add.csv, line 1: expected 6 fields, found 1"),
        (sdn.COMMENTS, '1,"a"\n1', "sdn_comments.csv, line 2: expected 2 fields, found 1"),
    ],
)  # fmt: skip
def test_invalid_line_is_reported_with_file_and_line(
    tmp_path: Path, file: str, text: str, message: str
) -> None:
    sanctions.write_files(tmp_path, [(1, "ONE", "", "")])
    (tmp_path / file).write_text(text)
    with pytest.raises(InvalidList) as caught:
        sdn.read_files(tmp_path)
    assert str(caught.value).startswith(message)


def test_missing_file_and_other_encoding_are_reported(tmp_path: Path) -> None:
    sanctions.write_files(tmp_path, [(1, "ONE", "", "")])
    (tmp_path / sdn.ALT).write_bytes(b'1,1,"aka","A",-0- \n1,2,"aka","PE\xd1A",-0- ')
    with pytest.raises(InvalidList, match=r"alt\.csv, line 2: the text is not UTF-8"):
        sdn.read_files(tmp_path)
    (tmp_path / sdn.ALT).unlink()
    with pytest.raises(
        InvalidList, match=r"alt\.csv, line 1: the file cannot be read: No such file"
    ):
        sdn.read_files(tmp_path)
