"""Embedded PostgreSQL and Redis for machines without them, and the supervisor behind `bin/run`.

For evaluation and tests only: production refuses them. This package imports nothing else of the
application. Its guarantees:

- the servers are direct children of the process that locked the data folder, listen on loopback
  ports with generated passwords, and end with it; after any kill the next start uses the same data;
- started by root, the servers run as an unprivileged account, and no existing folder changes its
  mode or owner;
- one process per data folder: a second one is refused with a message.
"""

from app.embedded.data_folder import (
    ServerUrls,
    default_data_dir,
    find_running_servers,
    local_secret_key,
)
from app.embedded.errors import (
    AlreadyRunning,
    CannotStart,
    NoRedisServer,
    NotInProduction,
    NoUsableAccount,
)
from app.embedded.postgres import bin_dir
from app.embedded.servers import ExternalServers, Servers, run_servers

__all__ = [
    "AlreadyRunning",
    "CannotStart",
    "ExternalServers",
    "NoRedisServer",
    "NoUsableAccount",
    "NotInProduction",
    "ServerUrls",
    "Servers",
    "bin_dir",
    "default_data_dir",
    "find_running_servers",
    "local_secret_key",
    "run_servers",
]
