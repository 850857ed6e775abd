"""`bin/run`: run the whole exchange on this machine, for evaluation.

PORT sets the port of the web server (default 4001) and PBCEX_DATA_DIR the folder of all data.
DATABASE_URL with DATABASE_OWNER_URL, or REDIS_URL, name servers to use instead of embedded ones.
"""

import io
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from app.embedded import stop_request
from app.embedded.data_folder import DataFolder, ServerUrls, default_data_dir, is_production
from app.embedded.errors import CannotStart
from app.embedded.front import front, front_environment
from app.embedded.network_ports import free_port, is_free
from app.embedded.program_supervisor import Program, ProgramSupervisor, run_step
from app.embedded.sample_people import PASSWORD, SAMPLE_PEOPLE
from app.embedded.servers import ExternalServers, run_servers
from app.embedded.stop_request import StopRequested, pause

_BIN = Path(sys.executable).parent
_READY_PATH, _READY_SECONDS = "/health/ready", 120.0
_PORT_PATIENCE_SECONDS = 10.0
_SAME_REQUEST_SECONDS = 1.0
_PORTS = range(1, 65_536)
#: What the sample switches on, unless the environment says otherwise.
_EVERY_FEATURE = {"PHASE": "3", "ENABLE_VAULT_REDEMPTION": "true", "ENABLE_ONCHAIN": "true"}


def setup_steps(environ: Mapping[str, str]) -> list[Program]:
    """Return the programs that run once, in order, before the others start."""
    flask = _BIN / "flask"
    if is_production(environ):
        return [Program("migrate", (flask, "db", "upgrade"))]
    return [Program("sample", (flask, "sample", "load", "--migrate"))]


def programs(
    web_port: int,
    *,
    runs_mail_catcher: bool,
    runs_sandbox: bool,
    internal_port: int | None = None,
) -> list[Program]:
    """Return the programs that run until Ctrl-C. The front passes requests to `web_port`; metrics
    are at `internal_port`, or public without one."""
    python = Path(sys.executable)
    granian = (_BIN / "granian", "--interface", "wsgi", "--host", "127.0.0.1")
    web = (*granian, "--port", str(web_port), "--workers", "2", "wsgi:app")
    mail = (
        [Program("mail", (python, "-m", "app.embedded.mail_catcher"))] if runs_mail_catcher else []
    )
    internal = (
        [Program("internal", (*granian, "--port", str(internal_port), "internal:app"))]
        if internal_port
        else []
    )
    sandbox = [Program("sandbox", (python, "-m", "sandbox"))] if runs_sandbox else []
    return [
        Program("web", web),
        Program("jobs", (python, "worker.py", "all")),
        *mail,
        *sandbox,
        *internal,
        front(),
    ]


STEP_TITLES = {
    "migrate": "Migrating the database",
    "sample": "Migrating the database and loading the sample",
}


class ExchangeRun:
    """One run of the whole exchange, from the start of the servers to the stop of everything."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._started_at = time.monotonic()
        self._stopping_since: float | None = None
        self._supervisor: ProgramSupervisor | None = None
        self._folder = DataFolder(default_data_dir(environ))
        self._port = _port(environ)
        self._web_port = free_port()
        self._internal_port = free_port() if is_production(environ) else None
        self._is_production = is_production(environ)
        self._is_sample = environ.get("PBCEX_ENV", "sample") == "sample"
        # With a mail server configured, emails are sent there.
        self._runs_mail_catcher = not self._is_production and not environ.get("PBCEX_SMTP_URL")
        self._sandbox_url = environ.get("PBCEX_SANDBOX_URL", "")
        self._runs_sandbox = not self._is_production and not self._sandbox_url
        if self._runs_sandbox:
            self._sandbox_url = f"http://127.0.0.1:{free_port()}"

    def main(self) -> None:
        """Run until a signal arrives. Raises CannotStart after stopping everything."""
        names = ("SIGINT", "SIGTERM", "SIGHUP")
        for number in (getattr(signal, name) for name in names if hasattr(signal, name)):
            signal.signal(number, self._on_signal)
        try:
            self._run()
        except StopRequested:
            self._print(f"Stopped. The data is kept in {self._folder.root}")

    def _run(self) -> None:
        external = ExternalServers.from_environment(self._environ)
        with run_servers(
            self._folder.root,
            report=self._print,
            external=external,
            web_port=self._port,
            sandbox_url=self._sandbox_url,
        ) as running:
            self._require_port()
            environ = self._environment(running.urls)
            # What a step says last is reported: its progress, not its log.
            with_owner = {
                **environ,
                "DATABASE_OWNER_URL": running.urls.database_owner_url,
                "PBCEX_LOG_LEVEL": "ERROR",
            }
            for step in setup_steps(environ):
                self._print(STEP_TITLES[step.name])
                run_step(step, folder=self._folder, environ=with_owner, report=self._print)
            supervisor = self._supervisor = ProgramSupervisor(
                running.embedded,
                programs(
                    self._web_port,
                    runs_mail_catcher=self._runs_mail_catcher,
                    runs_sandbox=self._runs_sandbox,
                    internal_port=self._internal_port,
                ),
                folder=self._folder,
                environ=environ,
                report=self._print,
            )
            try:
                self._print("Starting the web server and the workers")
                supervisor.start()
                for port in (self._web_port, self._port):
                    supervisor.wait_ready(port, _READY_PATH, timeout_seconds=_READY_SECONDS)
                self._print_welcome()
                supervisor.watch()
            finally:
                self._print("Stopping")
                supervisor.stop()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._stopping_since is None:
            self._stopping_since = time.monotonic()
            stop_request.request_stop()
        # One request may arrive twice, for the process and for its group; a person is slower.
        elif self._supervisor and time.monotonic() - self._stopping_since > _SAME_REQUEST_SECONDS:
            self._supervisor.stop_now()

    def _environment(self, urls: ServerUrls) -> dict[str, str]:
        """Return the environment of programs. Only the setup steps get the owner's URL."""
        environ = {
            "PBCEX_ENV": "sample",
            **(_EVERY_FEATURE if self._is_sample else {}),
            **self._environ,
            **front_environment(self._port, web_port=self._web_port),
            "PBCEX_DATA_DIR": str(self._folder.root),
            "PORT": str(self._port),
            "FLASK_APP": "wsgi",
            "PYTHONUNBUFFERED": "1",
            "PROMETHEUS_MULTIPROC_DIR": str(self._empty_metrics_folder()),
            "DATABASE_URL": urls.database_url,
            "REDIS_URL": urls.redis_url,
        }
        environ.pop("DATABASE_OWNER_URL", None)
        if self._runs_mail_catcher:
            environ["PBCEX_SMTP_URL"] = f"smtp://127.0.0.1:{free_port()}"
        if self._sandbox_url:
            environ["PBCEX_SANDBOX_URL"] = self._sandbox_url
        if not self._is_production:
            environ.setdefault("PBCEX_SECRET_KEY", self._folder.secrets().secret_key)
        return environ

    def _empty_metrics_folder(self) -> Path:
        """Return the folder in which the web processes share their metrics, empty at start."""
        folder = self._folder.root / "metrics"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        return folder

    def _require_port(self) -> None:
        # The web process of a run that was just killed may take a while to end.
        deadline = time.monotonic() + _PORT_PATIENCE_SECONDS
        while not is_free(self._port):
            if time.monotonic() > deadline:
                raise CannotStart(
                    f"Another program is using port {self._port}. "
                    f"Choose a free port: PORT={self._port + 1} bin/run"
                )
            pause(0.1)

    def _print_welcome(self) -> None:
        # Passkeys belong to a name: they do not work at 127.0.0.1.
        address = f"http://localhost:{self._port}"
        self._print("Ready\n")
        print(f"  Home         {address}/")
        print(f"  Staff        {address}/auth/login")
        print(f"  API          {address}/api/docs")
        internal = f"http://127.0.0.1:{self._internal_port}" if self._internal_port else address
        print(f"  Monitoring   {internal}/metrics   {internal}/health/ready")
        if self._runs_mail_catcher:
            print(f"  Email        {address}/mail/   emails that would have been sent")
        if self._runs_sandbox:
            print(f"  Providers    {self._sandbox_url}/   simulated by the sandbox")
        if not self._is_production:
            print(f"\n  Sample accounts, all with the password {PASSWORD}")
            for person in SAMPLE_PEOPLE:
                print(f"    {person.email:<24} {address}{person.home:<10} {person.about}")
        print(f"\n  Data and logs: {self._folder.root}. Ctrl-C stops everything.\n", flush=True)

    def _print(self, text: str) -> None:
        print(f"[{time.monotonic() - self._started_at:6.1f} s] {text}", flush=True)


def _port(environ: Mapping[str, str]) -> int:
    text = environ.get("PORT") or "4001"
    if not text.isdecimal() or int(text) not in _PORTS:
        raise CannotStart(f"PORT must be a number from 1 to 65535, not {text!r}")
    return int(text)


def _replace_unprintable() -> None:
    """Print ? for what the terminal's encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def main() -> int:
    """Run the command; return 0 if it was stopped on request, 1 if it could not run."""
    if sys.argv[1:]:
        print(__doc__)
        return 0 if sys.argv[1:] in (["--help"], ["-h"]) else 2
    _replace_unprintable()
    try:
        ExchangeRun(os.environ).main()
    except CannotStart as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
