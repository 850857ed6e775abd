"""Images of products: drawn anew, served for ever, and hostile files refused with words."""

import re
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from werkzeug.test import TestResponse

from app.access import Role
from app.catalog.products import service as products
from app.kit import ids
from app.kit.db import Database
from app.kit.errors import Invalid, PermissionDenied
from app.pictures.file_types import BYTES_MAX
from app.shop.images import queries, rules, service
from app.shop.images.errors import ImageKnown, ImagesFull
from app.shop.images.models import ImageRow, ImageSize
from app.shop.images.rules import ImageState
from tests.catalog.test_products import add
from tests.kyc.document_files import REFUSED_AT_ONCE, REFUSED_LATER, draw_card, encode, statement
from tests.mailbox import run_pending_jobs
from tests.page_client import Browser, check_page
from tests.people import People
from tests.rows import count_rows
from tests.staff import sign_in
from tests.unchanged_database import database_unchanged

#: A phone's photo: turned by its metadata, which say where it was taken.
_EXIF_TURNED = 6


def picture(size: tuple[int, int] = (1600, 1200), image_format: str = "JPEG") -> bytes:
    """Return a picture that no other test has."""
    card = draw_card(size=size)
    # A row of grey blocks, large enough that no compression makes two of them alike.
    side = size[0] // 16
    for place, grey in enumerate(ids.new().bytes):
        card.paste((grey, grey, grey), (place * side, 0, (place + 1) * side, side))
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Phone of Ada", _EXIF_TURNED
    return encode(card, image_format, exif=exif, quality=100)


def svg() -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg"><title>{ids.new()}</title></svg>'


def published(database: Database) -> str:
    sku = add(database).sku
    with database.transaction() as session:
        products.change_product(session, None, sku, {"published_from": "2026-01-01"})
    return sku


def add_picture(database: Database, sku: str, raw: bytes, alt: str = "Front") -> Any:
    with database.transaction() as session:
        return service.add_image(session, None, sku, raw=raw, name="a.jpg", alt=alt)


def shown(app: Flask, sku: str) -> Sequence[Mapping[str, Any]]:
    """Return the images that customers see, as the API shows them."""
    images = app.test_client().get(f"/api/shop/products/{sku}").get_json()["images"]
    assert isinstance(images, list)
    return images


def send(browser: Browser, sku: str, raw: bytes, name: str, alt: str = "Front") -> TestResponse:
    """Send a file by the form of the product's page."""
    path = f"/admin/products/{sku}"
    fields = browser.fill_form(path, "image", alt=alt)
    return browser.client.post(f"{path}/images", data={**fields, "file": (BytesIO(raw), name)})


@pytest.fixture
def keeper(app: Flask, people: People) -> Browser:
    """A browser in which a person of the role Inventory is signed in."""
    return sign_in(app, people.staff(Role.INVENTORY))


def test_image_is_drawn_in_sizes_and_served_for_ever(
    app: Flask, keeper: Browser, database: Database
) -> None:
    sku = published(database)
    sent = send(keeper, sku, picture(), "front.jpg", "Front of a coin")
    assert sent.status_code == 303, check_page(sent).visible_text
    page = keeper.get_page(f"/admin/products/{sku}")
    assert "Being drawn" in page.visible_text
    assert shown(app, sku) == []
    run_pending_jobs(database, "shop.draw_image")
    [image] = shown(app, sku)
    # Upright, as its metadata say.
    sizes = [(size["width"], size["height"]) for size in image["sizes"]]
    assert sizes == [(120, 160), (360, 480), (900, 1200)]
    assert (image["alt"], image["url"]) == ("Front of a coin", image["sizes"][-1]["url"])
    assert keeper.get_page(f"/admin/products/{sku}").all("img", src=image["sizes"][0]["url"])
    served = app.test_client().get(image["url"])
    assert served.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert served.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in served.headers
    assert "Cookie" not in served.headers.get("Vary", "")
    drawn = Image.open(BytesIO(served.data))
    assert (drawn.format, drawn.size, dict(drawn.getexif())) == ("WEBP", (900, 1200), {})
    etag = {"If-None-Match": served.headers["ETag"]}
    again = app.test_client().get(image["url"], headers=etag)
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("path", ["0" * 64 + ".webp", "0" * 64 + ".svg", "x.webp", "a.html", "a"])
def test_unknown_image_is_not_found(app: Flask, path: str) -> None:
    assert app.test_client().get(f"/images/{path}").status_code == 404


def test_image_is_served_only_as_the_type_that_it_is(app: Flask, database: Database) -> None:
    sku, drawing = published(database), svg()
    with database.transaction() as session:
        service.add_drawing(session, None, sku, svg=drawing, size=(12, 10), alt="Drawing")
    [image] = shown(app, sku)
    served = app.test_client().get(image["url"])
    assert (served.data, served.content_type) == (drawing.encode(), "image/svg+xml")
    assert served.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert (image["width"], image["height"]) == (12, 10)
    other = image["url"].replace(".svg", ".webp")
    assert app.test_client().get(other).status_code == 404


def test_hostile_files_are_refused_with_words_and_change_nothing(
    keeper: Browser, database: Database
) -> None:
    sku = add(database).sku
    files = [(name, make(), words) for name, make, words in REFUSED_AT_ONCE.values()]
    one_page = "Choose a JPEG, PNG, HEIC, AVIF or WEBP picture."
    files += [
        ("a.svg", svg().encode(), "program or web page"),
        ("a.jpg", svg().encode(), ""),
        ("a.pdf", statement(), one_page),
        ("a.tif", encode(draw_card(), "TIFF"), one_page),
    ]
    with database_unchanged(database):
        for name, raw, words in files:
            said = re.escape(one_page if words == "Choose a JPEG" else words)
            with (
                pytest.raises(Invalid, match=f"file: .*{said}"),
                database.transaction() as session,
            ):
                service.add_image(session, None, sku, raw=raw, name=name, alt="Front")
    refused = send(keeper, sku, svg().encode(), "a.svg")
    assert refused.status_code == 422
    assert check_page(refused).all("a", href="#image-file")


@pytest.mark.parametrize("key", ["half of a photo", "a picture that moves", "a white sheet"])
def test_picture_that_cannot_be_drawn_is_refused_with_words(
    app: Flask, keeper: Browser, database: Database, key: str
) -> None:
    sku, (_, make, code) = published(database), REFUSED_LATER[key]
    image_id = add_picture(database, sku, make())
    run_pending_jobs(database, "shop.draw_image")
    with database.reading() as session:
        image = queries.get_image(session, sku, image_id)
    assert (image.state, image.problem, image.served) == (ImageState.REFUSED, code, [])
    assert image.problem is not None
    assert image.problem.label in keeper.get_page(f"/admin/products/{sku}").visible_text
    assert shown(app, sku) == []
    with database.transaction() as session:
        service.remove_image(session, None, sku, image_id)


def test_file_above_the_limit_and_missing_fields_are_refused(
    keeper: Browser, database: Database
) -> None:
    sku = add(database).sku
    path = f"/admin/products/{sku}"
    too_large = keeper.client.post(
        f"{path}/images",
        data=bytes(BYTES_MAX + 20_000),
        content_type="multipart/form-data; boundary=x",
    )
    assert too_large.status_code == 413
    missing = keeper.submit_form(path, "image", alt="")
    assert missing.status_code == 422
    page = check_page(missing)
    assert page.all("a", href="#image-file")
    assert page.all("a", href="#image-alt")


def test_picture_is_kept_once_and_deleted_with_its_last_product(
    app: Flask, database: Database
) -> None:
    first, second, raw = published(database), published(database), picture()
    one = add_picture(database, first, raw)
    run_pending_jobs(database, "shop.draw_image")
    with pytest.raises(ImageKnown):
        add_picture(database, first, raw)
    # It is drawn already.
    other = add_picture(database, second, raw, "The same")
    [image] = shown(app, second)
    assert image["url"] == shown(app, first)[0]["url"]
    with database.transaction() as session:
        service.remove_image(session, None, first, one)
    assert app.test_client().get(image["url"]).status_code == 200
    with database.transaction() as session:
        digest = queries.get_image(session, second, other).image_hash
        service.remove_image(session, None, second, other)
        assert count_rows(session, ImageRow, ImageRow.hash == digest) == 0
        assert count_rows(session, ImageSize, ImageSize.image_hash == digest) == 0
    assert app.test_client().get(image["url"]).status_code == 404


def test_images_are_moved_ahead_and_deleted_on_the_page(
    app: Flask, keeper: Browser, database: Database
) -> None:
    sku = published(database)
    with database.transaction() as session:
        added = [
            service.add_drawing(session, None, sku, svg=svg(), size=(9, 9), alt=alt)
            for alt in ("A", "B", "C")
        ]
    path, last = f"/admin/products/{sku}", ids.encode("img", added[2])
    moved = keeper.submit_form(path, f"image-ahead-{last}")
    assert moved.status_code == 303
    assert [image["alt"] for image in shown(app, sku)] == ["A", "C", "B"]
    listed = app.test_client().get("/api/shop/products?sort=newest&limit=100").get_json()["data"]
    [own] = [each for each in listed if each["sku"] == sku] or [{"images": shown(app, sku)}]
    assert [image["alt"] for image in own["images"]] == ["A", "C", "B"]
    assert keeper.submit_form(path, f"image-remove-{last}").status_code == 303
    assert [image["alt"] for image in shown(app, sku)] == ["A", "B"]


def test_product_has_so_many_images_and_no_more(database: Database, people: People) -> None:
    sku, teller = add(database).sku, people.staff(Role.TELLER)
    with database.transaction() as session:
        for _ in range(rules.IMAGES_MAX):
            service.add_drawing(session, None, sku, svg=svg(), size=(9, 9), alt="Drawing")
    with database_unchanged(database):
        with pytest.raises(ImagesFull):
            add_picture(database, sku, picture((90, 60)))
        with pytest.raises(PermissionDenied), database.transaction() as session:
            service.add_image(session, teller, sku, raw=picture((9, 9)), name="a.jpg", alt="A")
