"""What a file really is: what is taken, and what is refused whatever it is called."""

import struct
import zipfile
import zlib
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject

from app.kit.errors import Invalid
from app.kyc.evidence import file_sanitizer
from tests.kyc.applicant import make_pdf, make_picture

N = NameObject


def refusal(raw: bytes, name: str = "", declared: str = "") -> str:
    with pytest.raises(Invalid) as refused:
        file_sanitizer.sanitize(raw, name=name, declared_type=declared)
    assert refused.value.field == "file"
    return refused.value.message


def taken(raw: bytes, name: str = "", declared: str = "") -> file_sanitizer.SanitizedFile:
    return file_sanitizer.sanitize(raw, name=name, declared_type=declared)


def zipped() -> bytes:
    written = BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("a.txt", "a")
    return written.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def png(width: int, height: int, *more: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    rows = chunk(b"IDAT", zlib.compress(b"\0" * ((3 * min(width, 100) + 1) * min(height, 100))))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + rows + chunk(b"IEND", b"")


class TestPictures:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG"])
    def test_become_a_jpeg_of_ours(self, kind: str) -> None:
        kept = taken(make_picture(kind))
        assert kept.media_type == "image/jpeg"
        shown = Image.open(BytesIO(kept.data))
        assert (shown.format, shown.size, shown.mode) == ("JPEG", (60, 40), "RGB")

    @pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "I;16"])
    def test_of_every_mode(self, mode: str) -> None:
        written = BytesIO()
        Image.new(mode, (10, 10)).save(written, "PNG")
        assert Image.open(BytesIO(taken(written.getvalue()).data)).mode == "RGB"

    def test_what_is_transparent_is_white(self) -> None:
        written = BytesIO()
        Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(written, "PNG")
        shown = Image.open(BytesIO(taken(written.getvalue()).data))
        assert shown.getpixel((4, 4)) == (255, 255, 255)

    def test_lose_what_cameras_write_beside(self) -> None:
        exif = Image.Exif()
        exif[0x010E], exif[0x0112] = "Kanari of a camera", 6
        exif.get_ifd(0x8825)[1] = "N"
        written = BytesIO()
        Image.new("RGB", (60, 40)).save(
            written, "JPEG", exif=exif, comment=b"Kanari in a comment", icc_profile=b"Kanari" * 9
        )
        assert written.getvalue().count(b"Kanari") > 2
        kept = taken(written.getvalue()).data
        for word in (b"Kanari", b"Exif", b"ICC_PROFILE", b"GPS"):
            assert word not in kept
        # It stands upright, as the camera said.
        assert Image.open(BytesIO(kept)).size == (40, 60)

    def test_large_ones_are_kept_smaller(self) -> None:
        kept = taken(make_picture("JPEG", (4000, 1000)))
        assert Image.open(BytesIO(kept.data)).size == (3200, 800)

    def test_bombs(self) -> None:
        assert "million pixels" in refusal(png(60_000, 60_000))
        assert "million pixels" in refusal(png(10_000, 6_000))
        text = chunk(b"zTXt", b"a\0\0" + zlib.compress(b"A" * 80_000_000))
        assert "damaged" in refusal(png(50, 50, text))

    @pytest.mark.parametrize("kind", ["JPEG", "PNG"])
    def test_cut_off(self, kind: str) -> None:
        assert "damaged" in refusal(make_picture(kind)[:-20])
        assert "damaged" in refusal(make_picture(kind)[:40])

    def test_with_wrong_rows(self) -> None:
        assert "damaged" in refusal(png(50, 80).replace(b"IDAT", b"IDAX"))

    def test_that_move(self) -> None:
        written = BytesIO()
        first, second = Image.new("RGB", (9, 9)), Image.new("RGB", (9, 9), "red")
        first.save(written, "PNG", save_all=True, append_images=[second])
        assert "not animated" in refusal(written.getvalue())

    def test_a_camera_may_put_a_second_one_behind(self) -> None:
        segment = b"MPF\x00" + b"\0" * 8
        raw = make_picture()
        raw = raw[:2] + b"\xff\xe2" + struct.pack(">H", len(segment) + 2) + segment + raw[2:]
        assert taken(raw + make_picture(shade=3)).media_type == "image/jpeg"
        assert "goes on" in refusal(make_picture() + make_picture(shade=3))


class TestTwoAtOnce:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "PDF"])
    @pytest.mark.parametrize(
        "rest", [zipped(), b"<script>alert(1)</script>", b"<?php echo 1;", b"Rar!\x1a\x07\x01\x00"]
    )
    def test_with_something_behind(self, kind: str, rest: bytes) -> None:
        raw = make_pdf() if kind == "PDF" else make_picture(kind)
        assert "more than one type" in refusal(raw + rest)

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "PDF"])
    def test_with_anything_behind(self, kind: str) -> None:
        raw = make_pdf() if kind == "PDF" else make_picture(kind)
        assert "goes on after" in refusal(raw + b"MZ\x90\x00 and a program")

    def test_with_something_inside(self) -> None:
        raw = make_picture()
        comment = b"\xff\xfe" + struct.pack(">H", 30) + b"<html>" + b" " * 22
        assert "more than one type" in refusal(raw[:2] + comment + raw[2:])
        comment = b"\xff\xfe" + struct.pack(">H", 30) + b"%PDF-1.7\n" + b" " * 19
        assert "more than one type" in refusal(raw[:2] + comment + raw[2:])

    def test_a_pdf_that_begins_late(self) -> None:
        assert "Choose a JPEG" in refusal(b"GIF89a" + make_pdf())


class TestLabels:
    @pytest.mark.parametrize(
        ("name", "declared"),
        [
            ("passport.jpg", "image/jpeg"),
            ("PASSPORT.JPEG", "image/jpeg; charset=binary"),
            ("passport", ""),
            ("", "application/octet-stream"),
            ("../../../etc/passwd.jpg", "image/jpeg"),
            ("a\\b:c*.jpg", "image/pjpeg"),
        ],
    )
    def test_that_fit(self, name: str, declared: str) -> None:
        assert taken(make_picture(), name, declared).media_type == "image/jpeg"

    @pytest.mark.parametrize(
        ("name", "declared"),
        [
            ("passport.png", ""),
            ("passport.pdf", "image/jpeg"),
            ("passport.jpg.exe", ""),
            ("passport.jpg", "image/png"),
            ("", "text/html"),
            ("", "application/pdf"),
        ],
    )
    def test_that_lie(self, name: str, declared: str) -> None:
        assert "says otherwise" in refusal(make_picture(), name, declared)

    @pytest.mark.parametrize(
        "raw", [b"GIF89a......", b"<html></html>", b"MZ\x90\0", b"PK\x03\x04", b"\0", b"text"]
    )
    def test_of_another_kind(self, raw: bytes) -> None:
        assert "Choose a JPEG or PNG picture, or a PDF" in refusal(raw, "scan.jpg", "image/jpeg")

    def test_empty(self) -> None:
        assert refusal(b"") == "The file is empty. Choose another file."


def action(**entries: str) -> DictionaryObject:
    said = {N(f"/{name}"): TextStringObject(text) for name, text in entries.items()}
    return DictionaryObject(said)


def acting(kind: str) -> DictionaryObject:
    found = action(JS="app.alert(1)", F="x")
    found[N("/S")] = N(kind)
    return found


class TestPdfs:
    def test_are_kept_as_they_are(self) -> None:
        raw = make_pdf(pages=3)
        assert taken(raw, "bill.pdf", "application/pdf") == file_sanitizer.SanitizedFile(
            "application/pdf", raw
        )

    @pytest.mark.parametrize("password", ["secret", ""])
    def test_encrypted(self, password: str) -> None:
        raw = make_pdf(
            change=lambda w: w.encrypt(password, owner_password="other", algorithm="RC4-128")
        )
        assert "is encrypted" in refusal(raw)

    @pytest.mark.parametrize("kind", ["/JavaScript", "/Launch", "/SubmitForm", "/GoToR"])
    def test_that_start_something(self, kind: str) -> None:
        def change(writer: PdfWriter) -> None:
            writer.root_object[N("/OpenAction")] = acting(kind)

        assert "script" in refusal(make_pdf(change=change))

    @pytest.mark.parametrize("is_apart", [True, False])
    @pytest.mark.parametrize("kind", ["/URI", "/Named", "/Hide", "/Thread", "/Unheard"])
    def test_that_do_something_when_opened(self, kind: str, *, is_apart: bool) -> None:
        first = DictionaryObject({N("/S"): N("/GoTo")})
        first[N("/Next")] = ArrayObject([DictionaryObject({N("/S"): N(kind)})])

        for opening in (DictionaryObject({N("/S"): N(kind)}), first):

            def change(writer: PdfWriter, opening: DictionaryObject = opening) -> None:
                stands: Any = writer._add_object(opening) if is_apart else opening
                writer.root_object[N("/OpenAction")] = stands

            assert "script" in refusal(make_pdf(change=change))

    def test_that_open_at_a_page(self) -> None:
        def place(writer: PdfWriter) -> ArrayObject:
            return ArrayObject([writer.pages[0].indirect_reference, N("/Fit")])

        def by_action(writer: PdfWriter) -> None:
            going = DictionaryObject({N("/S"): N("/GoTo"), N("/D"): place(writer)})
            writer.root_object[N("/OpenAction")] = writer._add_object(going)

        def by_place(writer: PdfWriter) -> None:
            writer.root_object[N("/OpenAction")] = place(writer)

        for change in (by_action, by_place):
            assert taken(make_pdf(change=change)).media_type == "application/pdf"

    def test_whose_opening_never_ends(self) -> None:
        def change(writer: PdfWriter) -> None:
            going = DictionaryObject({N("/S"): N("/GoTo")})
            going[N("/Next")] = writer._add_object(going)
            writer.root_object[N("/OpenAction")] = going[N("/Next")].indirect_reference

        assert "too large inside" in refusal(make_pdf(change=change))

    def test_with_too_many_objects(self) -> None:
        def change(writer: PdfWriter) -> None:
            for _ in range(20_000):
                writer._add_object(DictionaryObject())

        assert "too large inside" in refusal(make_pdf(change=change))

    def test_that_take_their_time_to_be_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seconds = [0.0]

        def slowly(*args: Any, **options: Any) -> PdfReader:
            seconds[0] += 9
            return PdfReader(*args, **options)

        raw = make_pdf()
        monkeypatch.setattr(
            "app.kyc.evidence.pdf_inspection.time", SimpleNamespace(monotonic=lambda: seconds[0])
        )
        monkeypatch.setattr("pypdf.PdfReader", slowly)
        assert "too large inside" in refusal(raw)

    def test_with_a_script_at_a_page(self) -> None:
        def change(writer: PdfWriter) -> None:
            writer.pages[0][N("/AA")] = DictionaryObject({N("/O"): acting("/URI")})

        assert "script" in refusal(make_pdf(change=change))

    def test_with_a_script_that_no_page_leads_to(self) -> None:
        def change(writer: PdfWriter) -> None:
            deep: Any = acting("/JavaScript")
            for _ in range(9):
                deep = ArrayObject([deep])
            writer._add_object(DictionaryObject({N("/Kept"): deep}))

        assert "script" in refusal(make_pdf(change=change))

    def test_with_a_name_in_disguise(self) -> None:
        def change(writer: PdfWriter) -> None:
            writer.root_object[N("/OpenAction")] = acting("/JavaScript")

        raw = (
            make_pdf(change=change)
            .replace(b"/JavaScript", b"/J#61vaScript")
            .replace(b"/JS", b"/#4aS")
        )
        assert b"/JavaScript" not in raw
        assert "script" in refusal(raw) or "damaged" in refusal(raw)

    def test_with_a_file(self) -> None:
        raw = make_pdf(change=lambda w: w.add_attachment("a.txt", b"hello"))
        assert "attached files" in refusal(raw)

    def test_damaged(self) -> None:
        assert "damaged" in refusal(b"%PDF-1.7\n" + b"x" * 500 + b"\n%%EOF")
        assert "cut off" in refusal(make_pdf()[:-30])

    def test_too_many_pages(self) -> None:
        assert "1 to 60 pages" in refusal(make_pdf(pages=61))
