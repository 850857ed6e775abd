"""A program that serves localstripe to this machine alone; prints the port. It keeps nothing: by
itself it would listen to everybody, and write all it knows to a file that everybody can replace."""

import socket

from aiohttp import web
from localstripe import resources, server

resources.store.dump_to_disk = lambda: None
line = socket.socket()
line.bind(("127.0.0.1", 0))
print(line.getsockname()[1], flush=True)
web.run_app(server.app, sock=line, print=None)
