"""Products in CSV files: checked without effect, imported as a whole, exported as they are."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from time import monotonic
from uuid import UUID

import pytest
from flask import Flask

from app.access import Actor, Role
from app.audit.actions import AuditAction
from app.catalog.products import queries as products_queries
from app.catalog.products import service as products
from app.imports import queries, service
from app.imports.errors import ImportSettled
from app.imports.models import ImportRow
from app.imports.queries import ImportSummary
from app.imports.rules import ImportState, RowOutcome
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.errors import NotFound, PermissionDenied
from tests import drill
from tests.catalog.test_products import add
from tests.mailbox import run_pending_jobs
from tests.page_client import Browser, check_page
from tests.people import People
from tests.rows import change_rows
from tests.staff import sign_in
from tests.unchanged_database import database_unchanged

CHECK, APPLY = "imports.check_rows", "imports.apply_rows"
NEW = {
    "name": "Gold bar", "metal": "AU", "form": "bar", "gross": "1", "fineness": "0.9999",
    "tax_class": "bullion",
}  # fmt: skip
#: What the check writes: the import itself and its job.
WRITTEN = {"imports", "import_rows", "outbox"}


@pytest.fixture
def keeper(people: People) -> Actor:
    return people.staff(Role.INVENTORY)


def new_sku() -> str:
    return f"P{ids.new().hex[-12:].upper()}"


def table(rows: Sequence[Mapping[str, str]]) -> bytes:
    """Return a CSV with these rows."""
    output = io.StringIO()
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(output, columns)
    writer.writeheader()
    writer.writerows(rows)
    return output.getvalue().encode()


def send(database: Database, actor: Actor, raw: bytes) -> UUID:
    with database.transaction() as session:
        return service.request_import(session, actor, "products", raw=raw, file_name="a.csv")


def confirm(database: Database, actor: Actor, import_id: UUID) -> None:
    with database.transaction() as session:
        service.confirm_import(session, actor, import_id)


def state_of(database: Database, actor: Actor, import_id: UUID) -> ImportSummary:
    with database.reading() as session:
        return queries.get_import(session, actor, import_id)


def problems_of(database: Database, import_id: UUID) -> dict[int, Mapping[str, str]]:
    with database.reading() as session:
        rows = queries.list_rows(session, import_id, is_wrong=True)
    return {row.line: row.problems for row in rows}


def test_check_shows_what_rows_do_without_effect_and_import_does_it(
    database: Database, keeper: Actor
) -> None:
    changed, same = add(database).sku, add(database).sku
    rows = [{"sku": changed.lower(), "mint": "Mint", "year": "2026"}, {"sku": same}]
    with database_unchanged(database, apart_from=WRITTEN):
        import_id = send(database, keeper, table(rows))
        run_pending_jobs(database, CHECK)
    checked = state_of(database, keeper, import_id)
    assert checked.state is ImportState.CHECKED
    assert (checked.added_count, checked.changed_count, checked.same_count) == (0, 1, 1)
    with database.reading() as session:
        reports = queries.list_rows(session, import_id, is_wrong=False)
    assert [(row.line, row.outcome, row.subject) for row in reports] == [
        (2, RowOutcome.CHANGED, changed), (3, RowOutcome.SAME, same),
    ]  # fmt: skip
    assert set(reports[0].changes) == {"mint", "year"}
    confirm(database, keeper, import_id)
    with pytest.raises(ImportSettled):
        confirm(database, keeper, import_id)
    run_pending_jobs(database, APPLY)
    service.apply_rows(database, import_id)
    assert state_of(database, keeper, import_id).state is ImportState.DONE
    with database.reading() as session:
        assert products_queries.get_product(session, changed).year == 2026
        records = session.rows(
            "SELECT actor_id, after FROM audit_records WHERE subject = %s AND action = %s",
            (ids.encode("imp", import_id), AuditAction.IMPORT_APPLIED),
        )
    assert [actor for actor, _after in records] == [keeper.user_id]


def test_every_wrong_cell_of_every_row_is_named(database: Database, keeper: Actor) -> None:
    first, second, slug = add(database).sku, add(database).sku, f"s-{ids.new().hex}"
    rows = [
        {"sku": first, "slug": slug, "year": "MMXX", "face_value": "-1", "category": ""},
        {"sku": first, "slug": "", "year": "", "face_value": "", "category": ""},
        {"sku": second, "slug": "", "year": "", "face_value": "", "category": "nowhere"},
        {"sku": new_sku(), "slug": "", "year": "", "face_value": "", "category": ""},
    ]
    with database_unchanged(database, apart_from=WRITTEN):
        import_id = send(database, keeper, table(rows))
        run_pending_jobs(database, CHECK)
    summary = state_of(database, keeper, import_id)
    assert (summary.state, summary.wrong_count) == (ImportState.WRONG, 4)
    problems = problems_of(database, import_id)
    assert {line: set(texts) for line, texts in problems.items()} == {
        2: {"year", "face_value"}, 3: {"sku"}, 4: {"slug"}, 5: {"name"},
    }  # fmt: skip
    with pytest.raises(ImportSettled):
        confirm(database, keeper, import_id)


def test_rows_that_contradict_each_other_or_fixed_facts_are_wrong(
    database: Database, keeper: Actor
) -> None:
    skus, slug = [add(database).sku for _ in range(3)], f"s-{ids.new().hex}"
    rows = [
        {"sku": skus[0], "slug": slug, "gross": "1.0909"},
        {"sku": skus[1], "slug": slug, "gross": ""},
        {"sku": skus[2], "slug": f"{slug}-x", "gross": "2"},
    ]
    import_id = send(database, keeper, table(rows))
    run_pending_jobs(database, CHECK)
    problems = problems_of(database, import_id)
    assert {line: set(texts) for line, texts in problems.items()} == {3: {"slug"}, 4: {"gross"}}


def test_import_of_which_a_row_is_refused_changes_nothing_and_is_checked_again(
    database: Database, keeper: Actor
) -> None:
    first, second, other = (add(database).sku for _ in range(3))
    slug = f"s-{ids.new().hex}"
    rows = [{"sku": first, "slug": f"{slug}-a"}, {"sku": second, "slug": slug}]
    import_id = send(database, keeper, table(rows))
    run_pending_jobs(database, CHECK)
    confirm(database, keeper, import_id)
    with database.transaction() as session:
        products.change_product(session, None, other, {"slug": slug})
    with database_unchanged(database, apart_from=WRITTEN):
        run_pending_jobs(database, APPLY, CHECK)
    summary = state_of(database, keeper, import_id)
    assert summary.state is ImportState.WRONG
    assert "nothing was changed" in summary.problem
    assert {line: set(texts) for line, texts in problems_of(database, import_id).items()} == {
        3: {"slug"}
    }


def test_import_of_a_person_who_may_not_any_more_fails(
    database: Database, keeper: Actor, people: People
) -> None:
    import_id = send(database, keeper, table([{"sku": add(database).sku, "mint": "Mint"}]))
    teller = people.staff(Role.TELLER)
    with database.transaction() as session:
        change_rows(session, ImportRow, ImportRow.id == import_id, requested_by=teller.user_id)
    run_pending_jobs(database, CHECK)
    assert state_of(database, keeper, import_id).state is ImportState.FAILED
    with pytest.raises(PermissionDenied):
        send(database, teller, b"sku\nA")
    with pytest.raises(NotFound):
        state_of(database, teller, import_id)


def test_file_that_nobody_confirmed_expires(
    database: Database, keeper: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = send(database, keeper, table([{"sku": add(database).sku, "mint": "Mint"}]))
    run_pending_jobs(database, CHECK)
    later = clock.now() + service.rules.LIFETIME
    monkeypatch.setattr(clock, "now", lambda: later)
    with database.transaction() as session:
        service.expire_imports(session)
    assert state_of(database, keeper, import_id).state is ImportState.EXPIRED
    with pytest.raises(ImportSettled):
        confirm(database, keeper, import_id)


def test_export_can_be_imported_again_and_changes_nothing(
    database: Database, keeper: Actor
) -> None:
    sku = add(database).sku
    formula = '=HYPERLINK("https://evil.example")'
    with database.transaction() as session:
        products.change_product(session, None, sku, {"mint": formula, "long_text": "A\n-B, C"})
        raw = service.export(session, keeper, "products")
    [row] = [each for each in csv.reader(io.StringIO(raw.decode())) if each[0] == sku]
    assert f"'{formula}" in row
    import_id = send(database, keeper, raw)
    run_pending_jobs(database, CHECK)
    summary = state_of(database, keeper, import_id)
    assert problems_of(database, import_id) == {}
    assert (summary.same_count, summary.changed_count) == (summary.row_count, 0)


def test_file_is_sent_checked_and_confirmed_on_the_pages(
    app: Flask, database: Database, people: People
) -> None:
    browser, sku = sign_in(app, people.staff(Role.INVENTORY)), add(database).sku
    fields = browser.fill_form("/admin/imports", "send", kind="products")
    refused = browser.client.post(
        "/admin/imports", data={**fields, "file": (BytesIO(b"name\nA"), "a.csv")}
    )
    assert refused.status_code == 422
    assert check_page(refused).all("a", href="#send-file")
    raw = table([{"sku": sku, "mint": "Mint"}])
    sent = browser.client.post(
        "/admin/imports", data={**fields, "file": (BytesIO(raw), "range.csv")}
    )
    assert sent.status_code == 303
    path = sent.location
    assert "Being checked" in browser.get_fragment(path, "import").visible_text
    run_pending_jobs(database, CHECK)
    assert sku in browser.get_page(path).visible_text
    assert browser.submit_form(path, "confirm").status_code == 303
    run_pending_jobs(database, APPLY)
    assert "Imported" in browser.get_page(path).visible_text
    assert f"2,Changed,{sku},mint" in browser.client.get(f"{path}/rows.csv").get_data(as_text=True)
    exported = browser.client.get("/admin/imports/export/products.csv")
    assert exported.data.startswith(b"\xef\xbb\xbfsku,metal,")
    browser.get_page("/admin/imports")
    assert Browser(app).client.get("/admin/imports/export/products.csv").status_code == 303


@pytest.mark.drill(name="imports")
@pytest.mark.timeout(900)
def test_many_rows_are_checked_and_imported_as_a_whole(
    database: Database, keeper: Actor, record_property: Callable[[str, object], None]
) -> None:
    count = drill.choose_size(small=300, full=50_000)
    mark = ids.new().hex[-6:].upper()
    rows = [{"sku": f"Q{mark}-{number:06}", "mint": "Mint", **NEW} for number in range(count)]
    seconds: list[float] = []
    for changed in ({}, {"mint": "Other mint"}):
        import_id = send(database, keeper, table([{**row, **changed} for row in rows]))
        for job in (CHECK, APPLY):
            begun = monotonic()
            run_pending_jobs(database, job)
            seconds.append(round(monotonic() - begun, 1))
            if job == CHECK:
                confirm(database, keeper, import_id)
        summary = state_of(database, keeper, import_id)
        assert (summary.state, summary.progress) == (ImportState.DONE, count)
    assert (summary.changed_count, summary.wrong_count) == (count, 0)
    record_property("evidence", f"{count:,} rows checked, added, checked, changed: {seconds} s.")
    wrong = [{**row, "year": "2026"} for row in rows]
    wrong[-1]["year"] = "MMXXVI"
    refused_id = send(database, keeper, table(wrong))
    with database_unchanged(database, apart_from=WRITTEN):
        run_pending_jobs(database, CHECK)
    refused = state_of(database, keeper, refused_id)
    assert (refused.state, refused.wrong_count) == (ImportState.WRONG, 1)
    with pytest.raises(ImportSettled):
        confirm(database, keeper, refused_id)
    record_property("evidence", f"Control: the last of {count:,} rows is wrong: none is imported.")
