"""Documents drawn as pictures, by a process with limits of CPU time and memory.

Files of others are read by libraries in C, so this happens in a process that has neither our
secrets nor a connection: `page_renderer.py`. What comes back is only ever shown as a picture.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from app.pictures.file_types import RecognizedFile
from app.pictures.rules import FileProblem

log = structlog.get_logger()

_PROGRAM = Path(__file__).with_name("page_renderer.py")
#: Time on the clock, which a busy machine needs for the seconds of CPU time.
_SECONDS_MAX = 90
#: All pages of a document.
_PAGES_BYTES_MAX = 48 * 1024 * 1024
_ERRORS_BYTES_MAX = 4096


@dataclass(frozen=True, slots=True)
class DrawnSize:
    """A picture in one of its sizes, as WebP."""

    width: int
    height: int
    content: bytes


class FileRefused(Exception):
    """A file cannot be shown."""

    def __init__(self, problem: FileProblem) -> None:
        self.problem = problem
        super().__init__(problem)


def render_pages(file: RecognizedFile) -> list[bytes]:
    """Return the pages as JPEG pictures. It takes up to a minute: call it outside a transaction.

    Raises `FileRefused`, also where the process ended at one of its limits, and `TimeoutError`
    where the machine is too busy.
    """
    pages, _sizes = _draw(file)
    return pages


def render_sizes(file: RecognizedFile, sides: Sequence[int]) -> list[DrawnSize]:
    """Return a picture in several sizes, the smallest first: one for each longest side in pixels,
    as far as the picture has so many. Takes as long, and raises, as `render_pages`."""
    pages, sizes = _draw(file, *map(str, sides))
    return [
        DrawnSize(width, height, page) for page, (width, height) in zip(pages, sizes, strict=True)
    ]


def _draw(file: RecognizedFile, *sides: str) -> tuple[list[bytes], list[tuple[int, int]]]:
    command = [sys.executable, "-I", "-B", str(_PROGRAM), file.type, *sides]
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
        raise FileRefused(FileProblem.TOO_COMPLEX)
    if process.returncode < 0:
        log.warning("document_renderer_ended", signal=-process.returncode, type=file.type)
        raise FileRefused(FileProblem.TOO_COMPLEX)
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


def _read_pages(output: bytes) -> tuple[list[bytes], list[tuple[int, int]]]:
    head, _, rest = output.partition(b"\n")
    result = json.loads(head)
    if "refused" in result:
        raise FileRefused(FileProblem(result["refused"]))
    pages = []
    for size in result["pages"]:
        pages.append(rest[:size])
        rest = rest[size:]
    return pages, [(width, height) for width, height in result["sizes"]]
