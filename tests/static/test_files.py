"""Static files: vendored files are unchanged, and all files are cached by their content hash."""

from hashlib import sha256
from pathlib import Path

import pytest
from flask import Flask, url_for

STATIC = Path(__file__).resolve().parents[2] / "app" / "static"
VENDOR = STATIC / "vendor"


def test_vendored_files_match_the_checksum_list() -> None:
    listed = {}
    for line in (VENDOR / "SHA256SUMS").read_text().splitlines():
        checksum, _, name = line.partition("  ")
        listed[name] = checksum
    present = {
        str(file.relative_to(VENDOR)): sha256(file.read_bytes()).hexdigest()
        for file in VENDOR.glob("*/**/*")
        if file.is_file()
    }
    assert present == listed
    assert all((folder / "LICENSE").is_file() for folder in VENDOR.iterdir() if folder.is_dir())


@pytest.mark.parametrize("name", ["css/desk.css", "icons.svg", "vendor/htmx/htmx.min.js"])
def test_file_is_cached_forever_under_its_content_hash(app: Flask, name: str) -> None:
    with app.test_request_context():
        address = url_for("static", filename=name)
    version = sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    assert address == f"/static/{name}?v={version}"
    client = app.test_client()
    with client.get(address) as kept:
        assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "Set-Cookie" not in kept.headers
    for other in (f"/static/{name}", f"/static/{name}?v=other"):
        with client.get(other) as renewed:
            assert renewed.headers["Cache-Control"] == "no-cache"


def test_missing_file_is_not_found(app: Flask) -> None:
    answer = app.test_client().get("/static/nothing.css?v=None")
    assert answer.status_code == 404
    assert "immutable" not in answer.headers["Cache-Control"]
