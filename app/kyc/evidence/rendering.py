"""Documents drawn as pictures, by a process with limits of CPU time and memory.

Customers' files are read by libraries in C, so this happens in a process that has neither our
secrets nor a connection: `page_renderer.py`. What comes back is only ever shown as a picture.
"""

import json
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import structlog

from app.kyc.evidence.file_types import RecognizedFile
from app.kyc.rules import DocumentProblem

log = structlog.get_logger()

_PROGRAM = Path(__file__).with_name("page_renderer.py")
#: Time on the clock, which a busy machine needs for the seconds of CPU time.
_SECONDS_MAX = 90
#: All pages of a document.
_PAGES_BYTES_MAX = 48 * 1024 * 1024
_ERRORS_BYTES_MAX = 4096


class DocumentRefused(Exception):
    """A document cannot be used."""

    def __init__(self, problem: DocumentProblem) -> None:
        self.problem = problem
        super().__init__(problem)


def render_pages(file: RecognizedFile) -> list[bytes]:
    """Return the pages as JPEG pictures. It takes up to a minute: call it outside a transaction.

    Raises `DocumentRefused`, also where the process ended at one of its limits, and `TimeoutError`
    where the machine is too busy.
    """
    command = [sys.executable, "-I", "-B", str(_PROGRAM), file.type]
    pipe = subprocess.PIPE
    # It inherits no variable, and the file is only its input.
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env={}) as process:  # noqa: S603 - the command is ours
        timer = threading.Timer(_SECONDS_MAX, process.kill)
        timer.start()
        try:
            output, errors = _exchange(process, file.content)
        finally:
            is_late = not timer.is_alive()
            timer.cancel()
            process.kill()
    if is_late:
        raise TimeoutError("a document was not drawn in time")
    if len(output) > _PAGES_BYTES_MAX:
        raise DocumentRefused(DocumentProblem.TOO_COMPLEX)
    if process.returncode < 0:
        log.warning("document_renderer_ended", signal=-process.returncode, type=file.type)
        raise DocumentRefused(DocumentProblem.TOO_COMPLEX)
    if process.returncode > 0:
        raise RuntimeError(f"the renderer of documents failed: {errors[-200:]!r}")
    return _read_pages(output)


def _exchange(process: subprocess.Popen[bytes], content: bytes) -> tuple[bytes, bytes]:
    """Write the file, which is read as a whole first, and read the pages, up to their limit."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    # Where the process ended before it had read everything, its return code says why.
    with suppress(BrokenPipeError):
        process.stdin.write(content)
    with suppress(BrokenPipeError):
        process.stdin.close()
    output = process.stdout.read(_PAGES_BYTES_MAX + 1)
    if len(output) > _PAGES_BYTES_MAX:
        return output, b""
    errors = process.stderr.read(_ERRORS_BYTES_MAX)
    process.wait()
    return output, errors


def _read_pages(output: bytes) -> list[bytes]:
    head, _, rest = output.partition(b"\n")
    result = json.loads(head)
    if "refused" in result:
        raise DocumentRefused(DocumentProblem(result["refused"]))
    pages = []
    for size in result["pages"]:
        pages.append(rest[:size])
        rest = rest[size:]
    return pages
