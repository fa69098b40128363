"""Standard output for our own results only, and substitutes for characters it cannot show.

HiGHS 1.16 prints a greeting on file descriptor 1 when a solver is made. Such a line in front of a
JSON document makes it invalid, and later releases may print more. The command line therefore keeps
a duplicate of descriptor 1 for `sys.stdout`, and points the number 1 at the null device, once,
before anything else is imported. That covers

- everything a library writes there: at its import, in any thread, or from C's own buffer, which is
  flushed only at the end of the process;
- child processes, which inherit the null device as their standard output;
- a closed descriptor 1: no file that is opened later can get its number.

Nothing is restored, so there is no moment at which output could pass, and no other thread loses a
line to a redirection. A library's `print` goes through `sys.stdout` and would be shown; the
libraries in use print only in their verbose modes.

Notebooks and scripts keep their standard output. There HiGHS is silenced by its own option
(`planning/highs_direct.py`).

Where the encoding of stdout or stderr lacks a character (`PYTHONIOENCODING`, an old locale, a
Windows console), text gets a readable substitute and JSON an escape, so that no command fails.
"""

import codecs
import errno
import io
import json
import os
import sys
from datetime import tzinfo
from typing import TextIO

import typer

from optimizer.text.local_time import in_local_time

STDOUT = 1

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Errors of a disk that takes no more, where the output is redirected into a file."""
"""File descriptor of the standard output."""


def claim() -> None:
    """Reserve the standard output for `sys.stdout`; called at the start of a process.

    Nothing happens where `sys.stdout` is something else already, as in tests or notebooks.
    """
    stream = sys.stdout
    if stream is not None:
        if not _writes_to_stdout(stream):
            return
        stream.flush()
        # libraries ask `sys.__stdout__` for the terminal's width
        sys.stdout = sys.__stdout__ = _on(os.dup(STDOUT), stream)  # type: ignore[misc]
    null = os.open(os.devnull, os.O_WRONLY)
    if null != STDOUT:
        os.dup2(null, STDOUT)
        os.close(null)


def give_up() -> None:
    """Let what is still buffered for the output go to the null device: nothing more is said."""
    with open(os.devnull, "wb") as nothing:  # noqa: PTH123 a device
        os.dup2(nothing.fileno(), sys.stdout.fileno())


def _writes_to_stdout(stream: TextIO) -> bool:
    try:
        return stream.fileno() == STDOUT
    except (OSError, ValueError):  # in memory only, or closed
        return False


def _on(descriptor: int, stream: TextIO) -> io.TextIOWrapper:
    """A copy of a stream on another descriptor, open to the end of the process."""
    unbuffered = getattr(stream, "write_through", False)
    raw = open(descriptor, "wb", 0 if unbuffered else -1, closefd=False)  # noqa: SIM115
    return io.TextIOWrapper(
        raw, stream.encoding, stream.errors, line_buffering=bool(stream.line_buffering),
        write_through=unbuffered,
    )  # fmt: skip


NAME = "readable"
"""Name of the error handler, and of the ASCII codec that typer does not replace."""

SUBSTITUTES = str.maketrans({
    "→": "->", "…": "...", "±": "+-", "·": "*", "≤": "<=", "≥": ">=", "°": "deg",
    "²": "2", "³": "3", "€": "EUR", "Σ": "sum",
    "\N{EN DASH}": "-", "\N{EM DASH}": "-", "\N{MINUS SIGN}": "-", "\N{MULTIPLICATION SIGN}": "x",
    "\N{NO-BREAK SPACE}": " ", "\N{THIN SPACE}": " ", "\N{NARROW NO-BREAK SPACE}": " ",
    "▁": "_", "▂": "_", "▃": ".", "▄": ":", "▅": "=", "▆": "+", "▇": "%", "█": "#",
    "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss",
})  # fmt: skip
"""Substitutes of the characters in our texts; any other is written as its code point."""


def readable(error: UnicodeError) -> tuple[str, int]:
    r"""Substitute what an encoding cannot show: an error handler for `codecs`.

    >>> codecs.register_error(NAME, readable)
    >>> "52→95 at 20 °C, \u0142".encode("ascii", NAME)
    b'52->95 at 20 degC, \\u0142'
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(SUBSTITUTES)
    return text.encode("ascii", "backslashreplace").decode("ascii"), error.end


def prepare() -> None:
    """Let stdout and stderr substitute what they cannot show, instead of failing."""
    codecs.register_error(NAME, readable)
    codecs.register(lambda name: _ascii() if name == NAME else None)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            limited = codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding=NAME if limited else None, errors=NAME)


_zone: list[tzinfo] = []
"""Time zone of the configuration that was read; none before."""


def speak_in(zone: tzinfo) -> None:
    """Let sentences name local times from now on."""
    _zone[:] = [zone]


def local_text(text: object) -> str:
    """A sentence for people; before a configuration is read its moments stay in UTC."""
    return in_local_time(str(text), _zone[0]) if _zone else str(text)


def echo_json(text: str) -> None:
    """Print a JSON text, with escapes for characters that stdout cannot show."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        text = "".join(char if char.isascii() else json.dumps(char)[1:-1] for char in text)
    typer.echo(text)


def _ascii() -> codecs.CodecInfo:
    """ASCII under another name: typer writes UTF-8 to a stream named ASCII."""
    known = codecs.lookup("ascii")
    return codecs.CodecInfo(
        known.encode, known.decode, known.streamreader, known.streamwriter,
        known.incrementalencoder, known.incrementaldecoder, NAME,
    )  # fmt: skip
