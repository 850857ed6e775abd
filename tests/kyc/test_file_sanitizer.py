"""Sanitizing of uploads: what is accepted, and what is refused whatever its name."""

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


def refuse(raw: bytes, name: str = "", declared: str = "") -> str:
    with pytest.raises(Invalid) as refused:
        file_sanitizer.sanitize(raw, name=name, declared_type=declared)
    assert refused.value.field == "file"
    return refused.value.message


def accept(raw: bytes, name: str = "", declared: str = "") -> file_sanitizer.SanitizedFile:
    return file_sanitizer.sanitize(raw, name=name, declared_type=declared)


def make_zip() -> bytes:
    output = BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        archive.writestr("a.txt", "a")
    return output.getvalue()


def make_png_chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def make_png(width: int, height: int, *more: bytes) -> bytes:
    head = make_png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    rows = make_png_chunk(
        b"IDAT", zlib.compress(b"\0" * ((3 * min(width, 100) + 1) * min(height, 100)))
    )
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + rows + make_png_chunk(b"IEND", b"")


class TestPictures:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG"])
    def test_picture_is_encoded_again_as_jpeg(self, kind: str) -> None:
        file = accept(make_picture(kind))
        assert file.media_type == "image/jpeg"
        picture = Image.open(BytesIO(file.data))
        assert (picture.format, picture.size, picture.mode) == ("JPEG", (60, 40), "RGB")

    @pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "I;16"])
    def test_picture_of_every_colour_mode_becomes_rgb(self, mode: str) -> None:
        output = BytesIO()
        Image.new(mode, (10, 10)).save(output, "PNG")
        assert Image.open(BytesIO(accept(output.getvalue()).data)).mode == "RGB"

    def test_transparent_pixels_become_white(self) -> None:
        output = BytesIO()
        Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(output, "PNG")
        picture = Image.open(BytesIO(accept(output.getvalue()).data))
        assert picture.getpixel((4, 4)) == (255, 255, 255)

    def test_metadata_of_a_picture_is_removed(self) -> None:
        exif = Image.Exif()
        exif[0x010E], exif[0x0112] = "Kanari of a camera", 6
        exif.get_ifd(0x8825)[1] = "N"
        output = BytesIO()
        Image.new("RGB", (60, 40)).save(
            output, "JPEG", exif=exif, comment=b"Kanari in a comment", icc_profile=b"Kanari" * 9
        )
        assert output.getvalue().count(b"Kanari") > 2
        data = accept(output.getvalue()).data
        for word in (b"Kanari", b"Exif", b"ICC_PROFILE", b"GPS"):
            assert word not in data
        # It is rotated as the metadata says.
        assert Image.open(BytesIO(data)).size == (40, 60)

    def test_large_picture_is_scaled_down(self) -> None:
        file = accept(make_picture("JPEG", (4000, 1000)))
        assert Image.open(BytesIO(file.data)).size == (3200, 800)

    def test_decompression_bomb_is_refused(self) -> None:
        assert "million pixels" in refuse(make_png(60_000, 60_000))
        assert "million pixels" in refuse(make_png(10_000, 6_000))
        text = make_png_chunk(b"zTXt", b"a\0\0" + zlib.compress(b"A" * 80_000_000))
        assert "damaged" in refuse(make_png(50, 50, text))

    @pytest.mark.parametrize("kind", ["JPEG", "PNG"])
    def test_truncated_picture_is_refused(self, kind: str) -> None:
        assert "damaged" in refuse(make_picture(kind)[:-20])
        assert "damaged" in refuse(make_picture(kind)[:40])

    def test_picture_with_invalid_rows_is_refused(self) -> None:
        assert "damaged" in refuse(make_png(50, 80).replace(b"IDAT", b"IDAX"))

    def test_animated_picture_is_refused(self) -> None:
        output = BytesIO()
        first, second = Image.new("RGB", (9, 9)), Image.new("RGB", (9, 9), "red")
        first.save(output, "PNG", save_all=True, append_images=[second])
        assert "not animated" in refuse(output.getvalue())

    def test_second_picture_of_a_camera_is_accepted(self) -> None:
        segment = b"MPF\x00" + b"\0" * 8
        raw = make_picture()
        raw = raw[:2] + b"\xff\xe2" + struct.pack(">H", len(segment) + 2) + segment + raw[2:]
        assert accept(raw + make_picture(shade=3)).media_type == "image/jpeg"
        assert "goes on" in refuse(make_picture() + make_picture(shade=3))


class TestTwoAtOnce:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "PDF"])
    @pytest.mark.parametrize(
        "rest",
        [make_zip(), b"<script>alert(1)</script>", b"<?php echo 1;", b"Rar!\x1a\x07\x01\x00"],
    )
    def test_second_file_type_appended_is_refused(self, kind: str, rest: bytes) -> None:
        raw = make_pdf() if kind == "PDF" else make_picture(kind)
        assert "more than one type" in refuse(raw + rest)

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "PDF"])
    def test_bytes_after_the_end_are_refused(self, kind: str) -> None:
        raw = make_pdf() if kind == "PDF" else make_picture(kind)
        assert "goes on after" in refuse(raw + b"MZ\x90\x00 and a program")

    def test_second_file_type_inside_is_refused(self) -> None:
        raw = make_picture()
        comment = b"\xff\xfe" + struct.pack(">H", 30) + b"<html>" + b" " * 22
        assert "more than one type" in refuse(raw[:2] + comment + raw[2:])
        comment = b"\xff\xfe" + struct.pack(">H", 30) + b"%PDF-1.7\n" + b" " * 19
        assert "more than one type" in refuse(raw[:2] + comment + raw[2:])

    def test_pdf_after_other_bytes_is_refused(self) -> None:
        assert "Choose a JPEG" in refuse(b"GIF89a" + make_pdf())


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
    def test_matching_name_and_media_type_are_accepted(self, name: str, declared: str) -> None:
        assert accept(make_picture(), name, declared).media_type == "image/jpeg"

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
    def test_contradicting_name_or_media_type_is_refused(self, name: str, declared: str) -> None:
        assert "says otherwise" in refuse(make_picture(), name, declared)

    @pytest.mark.parametrize(
        "raw", [b"GIF89a......", b"<html></html>", b"MZ\x90\0", b"PK\x03\x04", b"\0", b"text"]
    )
    def test_other_file_type_is_refused(self, raw: bytes) -> None:
        assert "Choose a JPEG or PNG picture, or a PDF" in refuse(raw, "scan.jpg", "image/jpeg")

    def test_empty_file_is_refused(self) -> None:
        assert refuse(b"") == "The file is empty. Choose another file."


def make_action(**entries: str) -> DictionaryObject:
    fields = {N(f"/{name}"): TextStringObject(text) for name, text in entries.items()}
    return DictionaryObject(fields)


def make_active_action(kind: str) -> DictionaryObject:
    action = make_action(JS="app.alert(1)", F="x")
    action[N("/S")] = N(kind)
    return action


class TestPdfs:
    def test_passive_pdf_is_kept_unchanged(self) -> None:
        raw = make_pdf(pages=3)
        assert accept(raw, "bill.pdf", "application/pdf") == file_sanitizer.SanitizedFile(
            "application/pdf", raw
        )

    @pytest.mark.parametrize("password", ["secret", ""])
    def test_encrypted_pdf_is_refused(self, password: str) -> None:
        raw = make_pdf(
            change=lambda w: w.encrypt(password, owner_password="other", algorithm="RC4-128")
        )
        assert "is encrypted" in refuse(raw)

    @pytest.mark.parametrize("kind", ["/JavaScript", "/Launch", "/SubmitForm", "/GoToR"])
    def test_pdf_with_an_active_open_action_is_refused(self, kind: str) -> None:
        def change(writer: PdfWriter) -> None:
            writer.root_object[N("/OpenAction")] = make_active_action(kind)

        assert "script" in refuse(make_pdf(change=change))

    @pytest.mark.parametrize("is_apart", [True, False])
    @pytest.mark.parametrize("kind", ["/URI", "/Named", "/Hide", "/Thread", "/Unheard"])
    def test_pdf_with_another_open_action_is_refused(self, kind: str, *, is_apart: bool) -> None:
        first = DictionaryObject({N("/S"): N("/GoTo")})
        first[N("/Next")] = ArrayObject([DictionaryObject({N("/S"): N(kind)})])

        for opening in (DictionaryObject({N("/S"): N(kind)}), first):

            def change(writer: PdfWriter, opening: DictionaryObject = opening) -> None:
                target: Any = writer._add_object(opening) if is_apart else opening
                writer.root_object[N("/OpenAction")] = target

            assert "script" in refuse(make_pdf(change=change))

    def test_pdf_that_opens_at_a_page_is_accepted(self) -> None:
        def page_destination(writer: PdfWriter) -> ArrayObject:
            return ArrayObject([writer.pages[0].indirect_reference, N("/Fit")])

        def by_action(writer: PdfWriter) -> None:
            going = DictionaryObject({N("/S"): N("/GoTo"), N("/D"): page_destination(writer)})
            writer.root_object[N("/OpenAction")] = writer._add_object(going)

        def by_place(writer: PdfWriter) -> None:
            writer.root_object[N("/OpenAction")] = page_destination(writer)

        for change in (by_action, by_place):
            assert accept(make_pdf(change=change)).media_type == "application/pdf"

    def test_pdf_with_endless_open_actions_is_refused(self) -> None:
        def change(writer: PdfWriter) -> None:
            going = DictionaryObject({N("/S"): N("/GoTo")})
            going[N("/Next")] = writer._add_object(going)
            writer.root_object[N("/OpenAction")] = going[N("/Next")].indirect_reference

        assert "too large inside" in refuse(make_pdf(change=change))

    def test_pdf_with_too_many_objects_is_refused(self) -> None:
        def change(writer: PdfWriter) -> None:
            for _ in range(20_000):
                writer._add_object(DictionaryObject())

        assert "too large inside" in refuse(make_pdf(change=change))

    def test_pdf_that_takes_too_long_to_read_is_refused(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seconds = [0.0]

        def read_slowly(*args: Any, **options: Any) -> PdfReader:
            seconds[0] += 9
            return PdfReader(*args, **options)

        raw = make_pdf()
        monkeypatch.setattr(
            "app.kyc.evidence.pdf_inspection.time", SimpleNamespace(monotonic=lambda: seconds[0])
        )
        monkeypatch.setattr("pypdf.PdfReader", read_slowly)
        assert "too large inside" in refuse(raw)

    def test_pdf_with_a_script_on_a_page_is_refused(self) -> None:
        def change(writer: PdfWriter) -> None:
            writer.pages[0][N("/AA")] = DictionaryObject({N("/O"): make_active_action("/URI")})

        assert "script" in refuse(make_pdf(change=change))

    def test_pdf_with_an_unreferenced_script_is_refused(self) -> None:
        def change(writer: PdfWriter) -> None:
            deep: Any = make_active_action("/JavaScript")
            for _ in range(9):
                deep = ArrayObject([deep])
            writer._add_object(DictionaryObject({N("/Kept"): deep}))

        assert "script" in refuse(make_pdf(change=change))

    def test_pdf_with_an_escaped_script_name_is_refused(self) -> None:
        def change(writer: PdfWriter) -> None:
            writer.root_object[N("/OpenAction")] = make_active_action("/JavaScript")

        raw = (
            make_pdf(change=change)
            .replace(b"/JavaScript", b"/J#61vaScript")
            .replace(b"/JS", b"/#4aS")
        )
        assert b"/JavaScript" not in raw
        assert "script" in refuse(raw) or "damaged" in refuse(raw)

    def test_pdf_with_an_attached_file_is_refused(self) -> None:
        raw = make_pdf(change=lambda w: w.add_attachment("a.txt", b"hello"))
        assert "attached files" in refuse(raw)

    def test_damaged_pdf_is_refused(self) -> None:
        assert "damaged" in refuse(b"%PDF-1.7\n" + b"x" * 500 + b"\n%%EOF")
        assert "cut off" in refuse(make_pdf()[:-30])

    def test_pdf_with_too_many_pages_is_refused(self) -> None:
        assert "1 to 60 pages" in refuse(make_pdf(pages=61))
