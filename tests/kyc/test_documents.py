"""Documents from the upload over HTTP to the verdict: files of honest people are taken, hostile
ones are refused with words.
"""

import os
import subprocess
import sys
import time
from io import BytesIO
from typing import Any
from warnings import catch_warnings, simplefilter

import pytest
from flask import Flask
from PIL import Image
from werkzeug.datastructures import FileStorage

from app.access import Role
from app.identity.accounts import account_status
from app.kit import ids
from app.kit.db import Database
from app.kit.errors import NotFound, PermissionDenied
from app.kyc.evidence import checking, documents
from app.kyc.models import Document
from app.kyc.rules import DocumentPurpose
from app.pictures import page_renderer, rendering
from app.pictures.file_types import FileType, RecognizedFile
from app.pictures.rules import FileProblem
from tests.api_client import assert_problem, wrong_fields
from tests.kyc import document_files
from tests.kyc.applicant import DOCUMENTS, Applicant, make_picture
from tests.kyc.document_files import (
    HONEST,
    MIB,
    REFUSED_AT_ONCE,
    REFUSED_LATER,
    draw_card,
    encode,
    grey_16,
    photo,
    statement,
)
from tests.mailbox import run_pending_jobs
from tests.people import People
from tests.rows import change_rows
from tests.unchanged_database import database_unchanged

#: From this size on, or if they take so long, files are drawn within the limits of a process.
LARGE_BYTES, LARGE_SECONDS = MIB // 2, 0.5
#: Replaced by a file in the form.
FILE_PLACEHOLDER = object()


def locked_statement() -> tuple[bytes, str, str]:
    """Return a statement with a password, as the arguments of an upload."""
    name, make, _ = REFUSED_LATER["a statement with a password"]
    return make(), "identity", name


def draw(kind: str, raw: bytes) -> list[Image.Image]:
    """Return the pages that the renderer draws, without a process of its own."""
    return [Image.open(BytesIO(page)) for page in page_renderer.draw_pages(kind, raw)]


class LargestInProcesses:
    """Draws the first file of each type, and the files that take long, in processes of their own as
    the product does; the others by the same function in this one. A process takes half a second."""

    def __init__(self) -> None:
        self._started = set[FileType]()
        self._render_pages = rendering.render_pages

    def render_pages(self, file: RecognizedFile) -> list[bytes]:
        started = time.process_time()
        if file.type not in self._started or len(file.content) > LARGE_BYTES:
            self._started.add(file.type)
            return self._render_pages(file)
        # There, warnings are no errors.
        with catch_warnings():
            simplefilter("ignore")
            pages = list(page_renderer.draw_pages(file.type, file.content))
        if time.process_time() - started > LARGE_SECONDS:
            return self._render_pages(file)
        return pages


class TestHonest:
    def test_files_of_phones_scanners_and_banks_are_taken(
        self, app_with_list: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rendering, "render_pages", LargestInProcesses().render_pages)
        applicants = [Applicant.with_confirmed_email(app_with_list) for _ in range(3)]
        sent = {}
        for position, (oddity, (name, make, _)) in enumerate(HONEST.items()):
            applicant = applicants[position * len(applicants) // len(HONEST)]
            answer = applicant.send(make(), name=name, declared_type="application/x-odd")
            assert answer.status_code in {200, 201}, (oddity, answer.json)
            sent[oddity] = answer.json["id"]
        run_pending_jobs(applicants[0].database, "kyc.check_document")
        verdicts = {
            document["id"]: (document["state"], document["pages"], document["message"])
            for applicant in applicants
            for document in applicant.status["documents"]
        }
        assert {oddity: verdicts[sent[oddity]][:2] for oddity in sent} == {
            oddity: ("accepted", pages) for oddity, (_, _, pages) in HONEST.items()
        }
        assert verdicts[sent["a statement"]][2] == "We can read it: 2 pages."

    def test_file_of_8_mib_is_taken_and_a_byte_more_is_refused(self, ada: Applicant) -> None:
        def padded(size: int) -> bytes:
            return photo() + document_files.FILM[:24] + os.urandom(size - len(photo()) - 24)

        for size in (len(photo()) + 24, 70 * 1024, 8 * MIB - 1, 8 * MIB):
            assert ada.client.ok(201, ada.send(padded(size)))["sizeBytes"] == size
        assert_problem(ada.send(padded(8 * MIB + 1)), 413, "body_too_large")

    def test_text_field_above_16_kib_is_refused(self, ada: Applicant) -> None:
        def send(size: int) -> Any:
            file = FileStorage(BytesIO(photo()), "a.jpg")
            return ada.send_form(type="x" * size, file=file)

        assert wrong_fields(send(16 * 1024)) == ["type"]
        assert_problem(send(17 * 1024), 413, "body_too_large")

    def test_scan_of_16_bits_keeps_its_shades(self) -> None:
        [ramp] = draw("png", grey_16(lambda x, _: x * 64))
        shades = ramp.convert("L").getcolors(256)
        assert shades is not None
        assert len(shades) > 250
        [text] = draw("png", grey_16(document_files.text_on_grey))
        assert text.convert("L").getextrema() == (0, 255)

    def test_metadata_is_left_behind_and_the_picture_stands_upright(self) -> None:
        exif = Image.Exif()
        exif[0x010E], exif[0x0112] = "Kanari of a camera", 6
        exif.get_ifd(0x8825)[1] = "N"
        options = {"exif": exif, "comment": b"Kanari in a comment", "icc_profile": b"Kanari" * 9}
        raw = encode(draw_card(), "JPEG", **options)
        assert raw.count(b"Kanari") > 2
        [page] = page_renderer.draw_pages("jpeg", raw)
        for word in (b"Kanari", b"Exif", b"ICC_PROFILE", b"GPS"):
            assert word not in page
        assert Image.open(BytesIO(page)).size == (400, 600)

    def test_page_is_kept_at_a_size_at_which_small_print_is_legible(self) -> None:
        [large] = draw("jpeg", encode(draw_card("L", (9248, 6936)), "JPEG"))
        assert 7_900_000 < large.width * large.height <= 8_000_000
        # A long receipt is not squeezed into a narrow strip.
        [long] = draw("png", encode(draw_card("L", (400, 16_000)), "PNG"))
        assert long.size == (400, 16_000)
        first, _ = draw("pdf", statement())
        assert first.size == (1654, 2340)

    def test_transparent_pixels_become_white(self) -> None:
        picture = Image.new("RGBA", (80, 80), (0, 0, 0, 0))
        picture.paste((200, 0, 0, 255), (40, 40, 80, 80))
        [page] = draw("png", encode(picture, "PNG"))
        assert page.getpixel((4, 4)) == (255, 255, 255)


class TestHostile:
    def test_hostile_files_are_refused_with_words(self, ada: Applicant) -> None:
        for oddity, (name, make, words) in REFUSED_AT_ONCE.items():
            answer = ada.send(make(), name=name)
            assert wrong_fields(answer) == ["file"], oddity
            assert words in answer.json["errors"][0]["message"], oddity
        sent = {}
        for oddity, (name, make, _) in REFUSED_LATER.items():
            sent[oddity] = ada.client.ok(201, ada.send(make(), name=name))["id"]
        run_pending_jobs(ada.database, "kyc.check_document", "messages.deliver")
        shown = {document["id"]: document for document in ada.status["documents"]}
        assert {oddity: shown[sent[oddity]]["message"] for oddity in sent} == {
            oddity: FileProblem(problem).label for oddity, (_, _, problem) in REFUSED_LATER.items()
        }
        assert {shown[document]["state"] for document in sent.values()} == {"refused"}
        messages = ada.client.ok(200, ada.client.get("/api/messages", limit=100))["data"]
        bodies = [message["body"] for message in messages if "cannot use" in message["subject"]]
        assert len(bodies) == len(sent)
        assert all(any(shown[one]["message"] in body for body in bodies) for one in sent.values())
        # Nothing of them is kept, and they do not use up the limit of documents.
        with ada.database.reading() as session:
            for document in documents.documents_of(session, ada.actor.user_id):
                assert documents.find_file(session, document.id) is None
                assert documents.kept_files(session, document) == {}
        assert "document:identity" not in ada.status["missing"]

    def test_renderer_limits_its_memory_and_time_before_it_reads_anything(self) -> None:
        program = (
            "import resource, runpy, sys\n"
            f"module = runpy.run_path({page_renderer.__file__!r})\n"
            "module['_limit_process']()\n"
            "for limit in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE):\n"
            "    print(resource.getrlimit(limit)[1])\n"
        )
        command = [sys.executable, "-I", "-c", program]
        printed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
        assert printed.split() == [
            str(page_renderer.MEMORY_BYTES_MAX), str(page_renderer.CPU_SECONDS_MAX), "0",
        ]  # fmt: skip

    def test_renderer_that_ends_at_a_limit_refuses_the_file(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
    ) -> None:
        endless = tmp_path / "endless.py"
        endless.write_text(
            "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1, 1))\nwhile True: pass\n"
        )
        monkeypatch.setattr(rendering, "_PROGRAM", endless)
        with pytest.raises(rendering.FileRefused) as refused:
            rendering.render_pages(RecognizedFile(FileType.JPEG, b"x" * MIB))
        assert refused.value.problem is FileProblem.TOO_COMPLEX

    @pytest.mark.parametrize(
        ("program", "error"),
        [("raise SystemExit(1)", RuntimeError), ("import time; time.sleep(30)", TimeoutError)],
    )
    def test_renderer_that_fails_for_no_fault_of_the_file_is_tried_again(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, program: str, error: type[Exception]
    ) -> None:
        failing = tmp_path / "failing.py"
        failing.write_text(program)
        monkeypatch.setattr(rendering, "_PROGRAM", failing)
        monkeypatch.setattr(rendering, "_SECONDS_MAX", 0.5)
        with pytest.raises(error):
            rendering.render_pages(RecognizedFile(FileType.JPEG, b"x" * MIB))

    def test_renderer_that_writes_without_end_is_stopped(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
    ) -> None:
        flooding = tmp_path / "flooding.py"
        flooding.write_text("import os\nwhile True: os.write(1, b'x' * 65536)\n")
        monkeypatch.setattr(rendering, "_PROGRAM", flooding)
        monkeypatch.setattr(rendering, "_PAGES_BYTES_MAX", MIB)
        with pytest.raises(rendering.FileRefused):
            rendering.render_pages(RecognizedFile(FileType.JPEG, b"x"))


class TestCourse:
    def test_upload_is_received_at_once_and_checked_by_a_job(
        self, ada: Applicant, people: People
    ) -> None:
        document = ada.client.ok(201, ada.send(make_picture()))
        assert document == {
            "id": document["id"],
            "type": "identity",
            "contentType": "image/jpeg",
            "sizeBytes": len(make_picture()),
            "uploadedAt": document["uploadedAt"],
            "state": "received",
            "message": "We received the file and are checking that it can be read.",
            "pages": None,
        }
        identifier, staff = ids.decode(documents.PREFIX, document["id"]), people.staff(Role.SUPPORT)
        with ada.database.transaction() as session, pytest.raises(NotFound):
            documents.view_page(session, staff, identifier, 1)
        run_pending_jobs(ada.database, "kyc.check_document")
        accepted = {"state": "accepted", "message": "We can read it: 1 page.", "pages": 1}
        assert ada.status["documents"] == [document | accepted]
        with ada.database.transaction() as session:
            assert documents.view_page(session, staff, identifier, 1).startswith(b"\xff\xd8\xff")
            with pytest.raises(NotFound):
                documents.view_page(session, staff, identifier, 2)

    def test_file_is_drawn_outside_of_a_transaction(
        self, ada: Applicant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A connection held for seconds is missing elsewhere, and so are its locks."""
        render_pages, open_transactions = rendering.render_pages, []

        def render_slowly(file: RecognizedFile) -> list[bytes]:
            with ada.database.reading() as session:
                open_transactions.extend(
                    session.rows(
                        "SELECT query FROM pg_stat_activity WHERE datname = current_database()"
                        " AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%%'"
                    )
                )
            return render_pages(file)

        monkeypatch.setattr(rendering, "render_pages", render_slowly)
        ada.send_documents("identity")
        assert open_transactions == []

    def test_document_is_checked_once(self, ada: Applicant) -> None:
        [document] = ada.send_documents("identity")
        with database_unchanged(ada.database):
            checking.check_document(ada.database, ids.decode(documents.PREFIX, document["id"]))

    def test_upload_of_a_suspended_person_is_refused(self, ada: Applicant) -> None:
        upload = documents.check_upload(make_picture(), name="")
        with ada.database.transaction() as session:
            account_status.suspend_customer(
                session, None, ada.actor.user_id, reason="because of a test"
            )
        with pytest.raises(PermissionDenied), ada.database.transaction() as session:
            documents.add_document(
                session, ada.actor, purpose=DocumentPurpose.IDENTITY, upload=upload
            )

    def test_document_accepted_before_pages_were_drawn_is_drawn_or_kept(
        self, ada: Applicant
    ) -> None:
        """Evidence has to be kept, also where it cannot be shown."""
        readable = ada.client.ok(201, ada.send(statement(), name="a.pdf"))
        locked = ada.client.ok(201, ada.send(*locked_statement()))
        with ada.database.transaction() as session:
            change_rows(session, Document, Document.user_id == ada.actor.user_id, state="accepted")
        run_pending_jobs(ada.database, "kyc.check_document")
        shown = {document["id"]: document["pages"] for document in ada.status["documents"]}
        assert shown == {readable["id"]: 2, locked["id"]: None}
        with ada.database.reading() as session:
            identifier = ids.decode(documents.PREFIX, locked["id"])
            assert documents.find_file(session, identifier) is not None

    def test_same_document_sent_again_is_stored_once(self, ada: Applicant) -> None:
        [document] = ada.send_documents("identity")
        again = ada.client.ok(200, ada.send(make_picture(shade=1)))
        assert (again["id"], again["state"]) == (document["id"], "accepted")
        assert (
            ada.client.ok(201, ada.send(make_picture(shade=1), "address"))["id"] != document["id"]
        )
        assert len(ada.status["documents"]) == 2

    @pytest.mark.parametrize(
        ("form", "field"),
        [
            ({"type": "identity"}, "file"),
            ({"file": FILE_PLACEHOLDER}, "type"),
            ({"type": "selfie", "file": FILE_PLACEHOLDER}, "type"),
            ({"type": "identity", "file": "text"}, "file"),
            ({"type": "identity", "file": FILE_PLACEHOLDER, "more": "x"}, "more"),
            ({"type": "identity", "other": FILE_PLACEHOLDER}, "other"),
        ],
    )
    def test_invalid_upload_form_is_refused_by_field(
        self, ada: Applicant, database: Database, form: dict[str, Any], field: str
    ) -> None:
        fields = {
            name: FileStorage(BytesIO(make_picture()), "a.jpg")
            if value is FILE_PLACEHOLDER
            else value
            for name, value in form.items()
        }
        with database_unchanged(database):
            assert field in wrong_fields(ada.send_form(**fields))

    def test_refused_upload_changes_nothing(self, ada: Applicant, database: Database) -> None:
        with database_unchanged(database):
            assert wrong_fields(ada.send(b"GIF89a")) == ["file"]
            assert_problem(
                ada.client.post(DOCUMENTS, {"type": "identity"}), 415, "unsupported_media_type"
            )
            broken = ada.client.send(
                "POST", DOCUMENTS, data=b"--x\r\nno", content_type="multipart/form-data"
            )
            assert broken.status_code in {400, 422}

    def test_document_above_the_limit_is_refused(
        self, ada: Applicant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert documents.COUNT_MAX == 20
        monkeypatch.setattr(documents, "COUNT_MAX", 2)
        for shade in range(2):
            ada.client.ok(201, ada.send(make_picture(shade=shade)))
        with database_unchanged(ada.database):
            assert_problem(ada.send(make_picture(shade=99)), 409, "documents_full")

    def test_stored_document_is_encrypted(self, ada: Applicant, database: Database) -> None:
        ada.client.ok(201, ada.send(make_picture()))
        columns = "SELECT content, key_sealed FROM kyc_documents WHERE user_id = %s"
        with database.reading() as session:
            [(content, sealed)] = session.rows(columns, (ada.client.user_id,))
        assert b"JFIF" not in bytes(content)
        assert len(sealed) < 200
        run_pending_jobs(ada.database, "kyc.check_document")
        with database.reading() as session:
            [(content, sealed)] = session.rows(columns, (ada.client.user_id,))
            pages = session.rows(
                "SELECT p.content FROM kyc_document_pages p JOIN kyc_documents d"
                " ON d.id = p.document_id WHERE d.user_id = %s",
                (ada.client.user_id,),
            )
        assert content is None
        assert b"JFIF" not in b"".join(bytes(page) for (page,) in pages)
