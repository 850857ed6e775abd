"""Serve localstripe on loopback only; print the port.

It keeps nothing: by default localstripe listens on every interface and dumps its store to a
world-writable file.
"""

import socket

from aiohttp import web
from localstripe import resources, server

resources.store.dump_to_disk = lambda: None
line = socket.socket()
line.bind(("127.0.0.1", 0))
print(line.getsockname()[1], flush=True)
web.run_app(server.app, sock=line, print=None)
