"""Pictures of documents, as customers photograph them: each page says whose document it is."""

import io

from PIL import Image, ImageDraw, ImageFont

_SIZE, _MARGIN, _LINE = (900, 600), 60, 70
_PAPER, _INK, _EDGE = "#f4f1e8", "#23303f", "#8a7f68"


def draw_document(title: str, *lines: str) -> bytes:
    """Return a JPEG of a document with a title and lines, marked as a sample."""
    image = Image.new("RGB", _SIZE, _PAPER)
    draw = ImageDraw.Draw(image)
    draw.rectangle((20, 20, _SIZE[0] - 20, _SIZE[1] - 20), outline=_EDGE, width=6)
    large, small = ImageFont.load_default(44), ImageFont.load_default(30)
    draw.text((_MARGIN, _MARGIN), title, font=large, fill=_INK)
    for number, line in enumerate((*lines, "SPECIMEN, not a real document"), 2):
        draw.text((_MARGIN, _MARGIN + number * _LINE), line, font=small, fill=_INK)
    content = io.BytesIO()
    image.save(content, "JPEG", quality=80)
    return content.getvalue()
