"""`python -m app.embedded` with stand-ins for the exchange's own programs and steps.

    python exchange_stand_in.py [FAILURE]

FAILURE is `step`, `program` or `unready`, the part that fails, or `impatient`, to wait only briefly
for the port.
"""

import sys
from pathlib import Path

from app.embedded import __main__ as command
from app.embedded.front import front
from app.embedded.program_supervisor import Program

PYTHON = (sys.executable, "-u", "-c")

WEB = """
import http.server, os
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health/ready" else 404)
        self.end_headers()
        self.wfile.write(os.environ["DATABASE_URL"].encode())
    def log_message(self, *_): pass
port = int(os.environ["PBCEX_FRONT_WEB"].partition(":")[2])
http.server.HTTPServer(("127.0.0.1", port), Page).serve_forever()
"""

WORKER = """
import os, signal, sys, time
def finish(number, _):
    print("finished after", signal.Signals(number).name)
    sys.exit()
signal.signal(signal.SIGTERM, finish)
signal.signal(signal.SIGINT, finish)
print("begins", sorted(name for name in os.environ if name.startswith("DATABASE")))
while True:
    time.sleep(0.1)
"""

STEP = """
import os, psycopg
address = os.environ["DATABASE_OWNER_URL"].replace("+psycopg", "")
with psycopg.connect(address) as connection:
    connection.execute("CREATE TABLE IF NOT EXISTS runs (at timestamptz DEFAULT now())")
    connection.execute("INSERT INTO runs DEFAULT VALUES")
"""


def main(failure: str = "") -> int:
    steps = [Program("migrate", (*PYTHON, STEP))]
    if failure == "step":
        steps.append(Program("sample", (*PYTHON, "print('no such sample'); raise SystemExit(3)")))
    web = "raise SystemExit('no such module')" if failure == "program" else WEB
    if failure == "unready":
        web = web.replace("200 if", "503 if")
        command._READY_SECONDS = 1.0
    if failure == "impatient":
        command._PORT_PATIENCE_SECONDS = 0.1
    command.setup_steps = lambda _: steps
    command.programs = lambda *_, **__: [
        Program("web", (*PYTHON, web)),
        Program("worker", (*PYTHON, WORKER)),
        front(),
    ]
    sys.argv = sys.argv[:1]
    return command.main()


if __name__ == "__main__":
    assert Path.cwd() == Path("/")
    sys.exit(main(*sys.argv[1:]))
