"""Files as phones, scanners and banks make them, and hostile ones, each by what is odd about it."""

import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Any

import pillow_heif
from fpdf import FPDF
from PIL import Image, ImageDraw
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import Link
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject

N = NameObject
MIB = 1024 * 1024


def draw_card(mode: str = "RGB", size: tuple[int, int] = (600, 400)) -> Image.Image:
    """Return a picture of a card with lines on it."""
    picture = Image.new("RGB", size, (230, 225, 210))
    draw = ImageDraw.Draw(picture)
    for top in range(40, size[1], 30):
        draw.line((30, top, size[0] - 30, top), fill=(20, 20, 60), width=3)
    return picture.convert(mode)


def encode(picture: Image.Image, image_format: str, **options: Any) -> bytes:
    """Return a picture as a file."""
    output = BytesIO()
    picture.save(output, image_format, **options)
    return output.getvalue()


@cache
def photo() -> bytes:
    """Return a JPEG with the metadata of a phone."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Phone", 6
    return encode(draw_card(), "JPEG", exif=exif)


@cache
def scan() -> bytes:
    """Return a PNG."""
    return encode(draw_card(), "PNG")


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG with its checksum."""
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def png_with(*chunks: bytes) -> bytes:
    """Return a PNG with these chunks behind its header."""
    return scan()[:33] + b"".join(chunks) + scan()[33:]


def grey_16(shade: Callable[[int, int], int], *chunks: bytes) -> bytes:
    """Return a PNG with 16 bits a pixel, of a shade at each place."""
    rows = b"".join(
        b"\0" + b"".join(struct.pack(">H", shade(x, y)) for x in range(1024)) for y in range(32)
    )
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 1024, 32, 16, 0, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + pixels + png_chunk(b"IEND", b"")


def text_on_grey(x: int, y: int) -> int:
    """Return the shade of black text on the grey of paper."""
    return 0 if 10 < y < 20 and x % 7 < 3 else 40_000


def jpeg_segment(marker: int, body: bytes) -> bytes:
    """Return the photo with a segment behind its first marker."""
    segment = struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
    return photo()[:2] + segment + photo()[2:]


@cache
def statement(pages: int = 2) -> bytes:
    """Return a PDF as banks write them."""
    written = FPDF()
    written.set_font("helvetica", size=12)
    for page in range(pages):
        written.add_page()
        for line in range(12):
            written.cell(
                0, 8, f"{page}.{line} Card payment 12.50 USD", new_x="LMARGIN", new_y="NEXT"
            )
    return bytes(written.output())


def change_pdf(change: Callable[[PdfWriter], object] = lambda _: None, **encryption: str) -> bytes:
    """Return the statement changed, and encrypted if a password is given."""
    writer = PdfWriter(clone_from=PdfReader(BytesIO(statement())))
    change(writer)
    if encryption:
        writer.encrypt(**encryption)  # type: ignore[arg-type] # strings are what it takes
    output = BytesIO()
    writer.write(output)
    return output.getvalue()


def owner_locked(algorithm: str) -> bytes:
    """Return a PDF that opens without a password and may not be changed."""
    return change_pdf(user_password="", owner_password="bank", algorithm=algorithm)


def open_action(**entries: str) -> bytes:
    """Return a PDF that does this when it is opened."""
    values = {
        N(f"/{name}"): N(text) if text.startswith("/") else TextStringObject(text)
        for name, text in entries.items()
    }

    def change(writer: PdfWriter) -> None:
        writer.root_object[N("/OpenAction")] = DictionaryObject(values)

    return change_pdf(change)


def page_action() -> bytes:
    """Return a PDF with a script on a page."""

    def change(writer: PdfWriter) -> None:
        script = DictionaryObject({N("/S"): N("/JavaScript"), N("/JS"): TextStringObject("x()")})
        writer.pages[0][N("/AA")] = DictionaryObject({N("/O"): script})

    return change_pdf(change)


def named_script() -> bytes:
    """Return a PDF with a script in its table of names."""

    def change(writer: PdfWriter) -> None:
        script = DictionaryObject({N("/S"): N("/JavaScript"), N("/JS"): TextStringObject("x()")})
        names = ArrayObject([TextStringObject("a"), script])
        tree = DictionaryObject({N("/Names"): names})
        writer.root_object[N("/Names")] = DictionaryObject({N("/JavaScript"): tree})

    return change_pdf(change)


def packed_objects(*, root: bytes = b"", extra: bytes = b"null", filler: int = 0) -> bytes:
    """Return a PDF whose objects are in a compressed stream, with spaces behind them."""
    objects = (
        b"<</Type/Catalog/Pages 2 0 R" + root + b">>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 6 0 R>>",
        extra,
    )
    places, body = b"", b""
    for number, value in enumerate(objects, 1):
        places += b"%d %d " % (number, len(body))
        body += value + b" "
    compressor = zlib.compressobj(9, wbits=-15)
    packed = compressor.compress(places + body) + compressor.flush(zlib.Z_FULL_FLUSH)
    # A block that was flushed can be repeated. The checksum is then wrong, which comes too late.
    block = compressor.compress(b" " * MIB) + compressor.flush(zlib.Z_FULL_FLUSH)
    packed = b"\x78\xda" + packed + block * (filler // MIB) + compressor.flush()
    packed += zlib.adler32(places + body).to_bytes(4)
    drawing = b"0 0 m 200 200 l S"
    at_packed = 9
    out = b"%PDF-1.5\n5 0 obj<</Type/ObjStm/N 4/Filter/FlateDecode"
    out += b"/First %d/Length %d>>stream\n" % (len(places), len(packed))
    out += packed + b"\nendstream endobj\n"
    at_drawing = len(out)
    out += b"6 0 obj<</Length %d>>stream\n%s\nendstream endobj\n" % (len(drawing), drawing)
    at_table = len(out)
    rows = [(0, 0, 255), *((2, 5, place) for place in range(4))]
    rows += [(1, at_packed, 0), (1, at_drawing, 0), (1, at_table, 0)]
    table = b"".join(struct.pack(">BIB", *row) for row in rows)
    out += b"7 0 obj<</Type/XRef/Size 8/W[1 4 1]/Root 1 0 R/Length %d>>stream\n" % len(table)
    return out + table + b"\nendstream endobj\nstartxref\n%d\n%%%%EOF\n" % at_table


def archive() -> bytes:
    """Return a ZIP archive."""
    output = BytesIO()
    with zipfile.ZipFile(output, "w") as opened:
        opened.writestr("a.txt", "a")
    return output.getvalue()


def heif(image_format: str) -> bytes:
    """Return a picture as iPhones take them."""
    pillow_heif.register_heif_opener()
    return encode(draw_card(), image_format)


def many_pages(image_format: str, **options: Any) -> bytes:
    """Return a picture with three frames."""
    frames = [draw_card(size=(300, 200 + 40 * number)) for number in range(3)]
    return encode(frames[0], image_format, save_all=True, append_images=frames[1:], **options)


def with_link(writer: PdfWriter) -> None:
    """Add a link to a page."""
    writer.add_annotation(0, Link(rect=(0, 0, 99, 99), url="https://example.com"))


FILM = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(range(200)) * 40

#: By what is odd about it: the name that the sender gives it, how it is made, and its pages.
HONEST: dict[str, tuple[str, Callable[[], bytes], int]] = {
    "a photo": ("IMG_0001.JPG", photo, 1),
    "a photo as .jfif": ("photo.jfif", photo, 1),
    "a photo as .pjpeg": ("photo.pjpeg", photo, 1),
    "a photo as .HEIC": ("IMG_1234.HEIC", photo, 1),
    "a photo with a dot in its name": ("Scan of J. Smith", photo, 1),
    "a photo as .download": ("passport.jpg.download", photo, 1),
    "a photo with a query": ("image.jpg?size=large", photo, 1),
    "a photo without a name": ("", photo, 1),
    "a photo with a film behind it": ("MVIMG.jpg", lambda: photo() + FILM, 1),
    "a photo with the tail of a vendor": (
        "a.jpg", lambda: photo() + b"\0\0\x01\x0bImage_UTC_DataSEFH" + bytes(40) + b"SEFT", 1,
    ),
    "a photo with blanks behind it": ("a.jpg", lambda: photo() + b"\r\n \0\0", 1),
    "a photo with a second one behind it": ("a.jpg", lambda: photo() + photo(), 1),
    "a photo with the second one of a camera": (
        "a.jpg", lambda: jpeg_segment(0xE2, b"MPF\0" + bytes(8)) + photo(), 1,
    ),
    "a photo without its end": ("a.jpg", lambda: photo()[:-2], 1),
    "a photo with markup in a comment": ("a.jpg", lambda: jpeg_segment(0xFE, b"<html>"), 1),
    "a photo with damaged metadata": (
        "a.jpg", lambda: jpeg_segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff"), 1,
    ),
    "a progressive photo": ("a.jpg", lambda: encode(draw_card(), "JPEG", progressive=True), 1),
    "a photo in the colours of print": ("a.jpg", lambda: encode(draw_card("CMYK"), "JPEG"), 1),
    "a photo of 64 megapixels": (
        "a.jpg", lambda: encode(draw_card("L", (9248, 6936)), "JPEG", quality=50), 1,
    ),
    "a picture of an iPhone": ("IMG_1.HEIC", lambda: heif("HEIF"), 1),
    "a picture in AVIF": ("a.avif", lambda: encode(draw_card(), "AVIF"), 1),
    "a picture in WEBP": ("a.webp", lambda: encode(draw_card(), "WEBP"), 1),
    "a screenshot as .jpg": ("shot.jpg", scan, 1),
    "a screenshot with a newline behind it": ("a.png", lambda: scan() + b"\n", 1),
    "a screenshot with NULs behind it": ("a.png", lambda: scan() + bytes(512), 1),
    "a screenshot with a text of megabytes": (
        "a.png",
        lambda: png_with(png_chunk(b"zTXt", b"XML\0\0" + zlib.compress(b"A" * 9 * MIB))),
        1,
    ),
    "a screenshot with a profile of megabytes": (
        "a.png",
        lambda: png_with(png_chunk(b"iCCP", b"icc\0\0" + zlib.compress(bytes(2 * MIB)))),
        1,
    ),
    "a screenshot of a long page": (
        "a.png", lambda: encode(draw_card("P", (360, 9000)), "PNG"), 1,
    ),
    "a transparent picture": ("a.png", lambda: encode(draw_card("RGBA"), "PNG"), 1),
    "a grey scan of 16 bits": ("a.png", lambda: grey_16(text_on_grey), 1),
    "a transparent scan of 16 bits": (
        "a.png", lambda: grey_16(text_on_grey, png_chunk(b"tRNS", b"\x9c\x40")), 1,
    ),
    "a black and white scan": ("a.png", lambda: encode(draw_card("1"), "PNG"), 1),
    "a fax of three pages": (
        "a.tiff", lambda: many_pages("TIFF", compression="tiff_lzw"), 3,
    ),
    "a statement": ("statement.pdf", statement, 2),
    "a statement without its ending": ("statement", statement, 2),
    "a statement with NULs and an end of file": ("a.pdf", lambda: statement() + b"\0\0\x1a", 2),
    "a statement with a comment behind it": ("a.pdf", lambda: statement() + b"\n% printed\n", 2),
    "a statement behind a byte order mark": (
        "a.pdf", lambda: b"\xef\xbb\xbf\r\n " + statement(), 2,
    ),
    "a statement locked by RC4": ("a.pdf", lambda: owner_locked("RC4-128"), 2),
    "a statement locked by AES-128": ("a.pdf", lambda: owner_locked("AES-128"), 2),
    "a statement locked by AES-256": ("a.pdf", lambda: owner_locked("AES-256"), 2),
    "a bill with links": ("a.pdf", lambda: change_pdf(with_link), 2),
    "an electronic invoice": (
        "a.pdf", lambda: change_pdf(lambda w: w.add_attachment("factur-x.xml", b"<a/>")), 2,
    ),
    "a letter of packed objects": ("a.pdf", packed_objects, 1),
}  # fmt: skip

MIXED, NOT_TAKEN, RUNS = "more than one type", "Choose a JPEG", "program or web page"
#: Refused when they are sent: the name, how it is made, and a part of what is said.
REFUSED_AT_ONCE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "an empty file": ("a.jpg", lambda: b"", "empty"),
    "a file of one byte": ("a.jpg", lambda: b"x", NOT_TAKEN),
    "a photo named as a program": ("passport.jpg.exe", photo, RUNS),
    "a program": ("a.jpg", lambda: b"MZ\x90\0" + bytes(99), NOT_TAKEN),
    "a program before a PDF": ("a.pdf", lambda: b"MZ\x90\0" + statement(), NOT_TAKEN),
    "a program behind a photo": ("a.jpg", lambda: photo() + b"MZ\x90\0" + bytes(99), MIXED),
    "an archive behind a statement": ("a.pdf", lambda: statement() + archive(), MIXED),
    "a script behind a photo": ("a.jpg", lambda: photo() + b"<script>alert(1)</script>", MIXED),
    "a script in a photo": ("a.jpg", lambda: jpeg_segment(0xFE, b"<?php system(1);"), MIXED),
    "a PDF in a photo": ("a.jpg", lambda: jpeg_segment(0xFE, b"%PDF-1.7\n"), MIXED),
    "a page of the web": ("a.jpg", lambda: b"<html><script>x()</script>", NOT_TAKEN),
    "a film": ("a.jpg", lambda: FILM, "not a film"),
    "a document of an office program": ("a.pdf", archive, "Print the document into a PDF"),
    "a GIF": ("a.gif", lambda: encode(draw_card("P"), "GIF"), "Save the picture as JPEG"),
}
#: Refused by the job: the name, how it is made, and the code of the problem.
REFUSED_LATER: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "a picture of billions of pixels": (
        "a.png",
        lambda: scan().replace(
            scan()[8:33],
            png_chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)),
        ),
        "too_large",
    ),
    "half of a photo": ("a.jpg", lambda: photo()[: len(photo()) // 2], "damaged"),
    "noise that begins as a photo": ("a.jpg", lambda: photo()[:4] + os.urandom(9000), "damaged"),
    "a picture that moves": ("a.png", lambda: many_pages("PNG"), "animated"),
    "a white sheet": ("a.png", lambda: encode(Image.new("1", (2000, 2000), 1), "PNG"), "blank"),
    "a statement with a password": (
        "a.pdf",
        lambda: change_pdf(user_password="secret", owner_password="x", algorithm="AES-256"),
        "encrypted",
    ),
    "a script on opening": ("a.pdf", lambda: open_action(S="/JavaScript", JS="x()"), "active"),
    "a script with an escaped name": (
        "a.pdf",
        lambda: open_action(S="/JavaScript", JS="x()").replace(b"/JavaScript", b"/J#61vaScript"),
        "active",
    ),
    "a script in packed objects": (
        "a.pdf",
        lambda: packed_objects(root=b"/OpenAction 4 0 R", extra=b"<</S/JavaScript/JS(x)>>"),
        "active",
    ),
    "a script on a page": ("a.pdf", page_action, "active"),
    "a script by name": ("a.pdf", named_script, "active"),
    "a PDF that starts a program": ("a.pdf", lambda: open_action(S="/Launch", F="x.exe"), "active"),
    "a PDF with a program in it": (
        "a.pdf",
        lambda: change_pdf(lambda writer: writer.add_attachment("a.exe", b"MZ")),
        "attachments",
    ),
    "a PDF of 61 pages": ("a.pdf", lambda: statement(61), "too_many_pages"),
    "a PDF that is cut off": ("a.pdf", lambda: statement()[: len(statement()) // 2], "damaged"),
    "a PDF that unpacks to gigabytes": (
        "a.pdf", lambda: packed_objects(filler=1_500 * MIB), "too_complex",
    ),
}  # fmt: skip
