"""Files: read within a bound, written as UTF-8 or for the owner's eyes only."""

import codecs
import os
from contextlib import suppress
from pathlib import Path

from optimizer.errors import DataError, OptimizerError

MOST_TABLE_BYTES = 64_000_000
"""Largest table of an owner's own; twenty years of quarter-hours have half of it."""


def content(path: Path, most_bytes: int, fault: type[OptimizerError] = DataError) -> bytes:
    """The whole content of a file.

    Parameters
    ----------
    most_bytes
        Largest size that is read; devices and pipes have no end.
    fault
        Kind of the error: whose mistake an unreadable file is.

    Raises
    ------
    OptimizerError
        Of the kind `fault`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(most_bytes + 1)
    except OSError as error:
        raise fault(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # a zero byte in its name
        raise fault(f"{str(path)!r} is not the name of a file") from error
    if len(data) > most_bytes:
        raise fault(f"{path} is larger than {most_bytes / 1e6:g} MB: it is not read")
    return data


UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def text(path: Path, most_bytes: int, fault: type[OptimizerError] = DataError) -> str:
    """The whole text of a file in UTF-8; a byte order mark is none of it.

    Raises
    ------
    OptimizerError
        Of the kind `fault`: if it cannot be read, or is in another encoding.
    """
    data = content(path, most_bytes, fault)
    if data.startswith(UTF_16_MARKS) or b"\0" in data[:2]:
        raise fault(f"{path} is UTF-16: save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise fault(f"{path} is no text in UTF-8: save it as UTF-8") from error


def write(path: Path, text: str) -> None:
    """Write a text; what UTF-8 has no place for (half a character) is written as its number.

    Raises
    ------
    DataError
        If it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{str(path)!r} is not the name of a file") from error


def keep(path: Path, text: str, fault: str) -> None:
    """Replace a small private file in the store's folder, which is made where it is missing.

    Parameters
    ----------
    fault
        Beginning of the sentence of a failure, such as "the pause cannot be stored".

    Raises
    ------
    DataError
        If it cannot be written; then the former file is as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_private(path, text)
    except OSError as error:
        raise DataError(
            f"{fault} in {path.parent} ({error.strerror}): use sudo, and look at the room on its "
            "disk"
        ) from error


def replace_private(path: Path, content: str | bytes) -> None:
    """Replace a file in one go by another that only its owner may read (0600), on the disk.

    A text is written as UTF-8.

    Raises
    ------
    OSError
        If it cannot be written; then the former file is as it was.
    """
    data = content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        give_to_folder_owner(part)
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def give_to_folder_owner(path: Path) -> None:
    """Give a file that root has made to the owner of its folder, who has to use it afterwards.

    A service's store belongs to the service's user; `sudo optimizer ...` must not leave files there
    that the service cannot write.
    """
    if os.geteuid() != 0:
        return
    with suppress(OSError):
        folder, file = path.parent.stat(), path.lstat()
        if folder.st_uid != 0 and file.st_uid == 0:
            os.chown(path, folder.st_uid, folder.st_gid, follow_symlinks=False)
