"""Find and open the files of one container's log, rotated ones included.

The engine rotates by renaming: ``x`` becomes ``x.1``, that one ``x.2``; with compression ``x.1`` is
then written to ``x.1.gz`` and removed, and it is the ``.gz`` files that are renamed (moby,
``daemon/logger/loggerutils/logfile.go``: ``rotate``, ``compressFile``). While both ``x.1`` and
``x.1.gz`` exist the latter is not whole, so the plain one is taken, as the engine does.

All are opened at once, so a rotation later on does not matter; nor does it hurt that the engine
holds no lock for us. What matters is that none happened between the first ``open`` and the last:
afterwards every name must still lead to the file that was opened, or all begins anew.
"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import Final

from lobtail.errors import LogFileError
from lobtail.files.log_file import LogFile
from lobtail.files.rotation import all_names
from lobtail.regular import NotRegularError, open_regular

__all__ = [
    "TRIES",
    "find_log",
    "names_of",
    "open_part",
    "open_parts",
    "refused",
    "same",
    "truncated",
]

# An engine under full load rotates a few hundred times a second; opening takes a tenth of a
# millisecond.
TRIES: Final = 200

# The newest files of a log are held open, so many of them; older ones are opened to be read.
MAX_OPEN: Final = 64

_JSON_LOG: Final = re.compile(r"(.*-json\.log)(?:\.|$)")
_ROTATED: Final = re.compile(r"\.([1-9][0-9]{0,8})(\.gz)?")


def find_log(path: Path) -> Path:
    """Return the log of which ``path`` is the container's folder, or ``path`` itself.

    Raises LogFileError: there is nothing, or a folder without a log.
    """
    try:
        if not path.is_dir():
            return path
        names = sorted(os.listdir(path))  # noqa: PTH208 - a folder of thousands of names
        # A log that is being rotated may have no file of its own name.
        logs = dict.fromkeys(m[1] for name in names if (m := _JSON_LOG.match(name)))
        candidates = [path / name for name in logs]
        # The last is a cache of a remote driver's log, in the local driver's format (moby,
        # daemon/logger/loggerutils/cache).
        others = ("local-logs/container.log", "ctr.log", "userdata/ctr.log", "container-cached.log")
        candidates += [path / name for name in others]
        for candidate in candidates:
            if candidate.exists() or _has_rotated(candidate):
                return candidate
    except OSError as exc:
        raise refused(path, exc) from exc
    raise LogFileError(
        f"no log in the folder {path}: neither NAME-json.log nor local-logs/container.log nor "
        "ctr.log; the container's log driver may keep none"
    )


def _has_rotated(path: Path) -> bool:
    """Tell whether there are files that were rotated out of a log.

    One look at all names: what is renamed and compressed meanwhile has one of them at any time.
    """
    try:
        names = os.listdir(path.parent)  # noqa: PTH208 - as above
    except (FileNotFoundError, NotADirectoryError):
        return False
    return path.name in names or bool(all_names(path, names))


def open_parts(path: Path, *, engines: bool = False) -> list[LogFile]:
    """Open a log and what was rotated out of it, oldest first; with ``engines`` only by engines.

    Raises LogFileError: it cannot be opened, is no regular file, or is rotated faster than that.
    """
    list_names = names_of if engines else all_names_of
    missing: OSError | None = None
    for attempt in range(TRIES):
        missing = None
        names = list_names(path)
        parts: list[LogFile] = []
        try:
            for left, name in zip(range(len(names), 0, -1), names, strict=True):
                try:
                    parts += [open_part(name)]  # those before one that fails are to be closed
                except OSError as exc:
                    if name == str(path) or not _is_no_file(name, exc):
                        raise
                    continue
                if left > MAX_OPEN:
                    parts[-1].close()
            if list_names(path) == names and all(same(part) for part in parts):
                return parts
        except FileNotFoundError as exc:
            # Between two renames the newest file has no name, or an older one was removed.
            missing = exc
            if attempt > 2 and names == [str(path)] == list_names(path):
                break
        except OSError as exc:
            _close(parts)
            raise refused(Path(exc.filename or path), exc) from exc
        _close(parts)
    if missing is not None and Path(missing.filename) == path:
        raise refused(path, missing) from missing
    raise LogFileError(f"{path} is rotated faster than its files can be opened: try again")


def _is_no_file(name: str, error: OSError) -> bool:
    """Say whether what has a rotated file's name is none: a folder, a link to nowhere."""
    nowhere = isinstance(error, FileNotFoundError) or error.errno == errno.ELOOP
    return isinstance(error, NotRegularError) or (nowhere and Path(name).is_symlink())


def names_of(path: Path) -> list[str]:
    """List the files of a log that engines have rotated, oldest first."""
    found: dict[int, str] = {}
    for name in _siblings(path):
        match = _ROTATED.fullmatch(name, len(path.name)) if name.startswith(path.name) else None
        if match is not None:
            number = int(match[1])
            if number not in found or not match[2]:
                found[number] = str(path.parent / name)
    return [*(found[number] for number in sorted(found, reverse=True)), str(path)]


def all_names_of(path: Path) -> list[str]:
    """List the files of a log, whoever has rotated it, oldest first."""
    return [*all_names(path, _siblings(path)), str(path)]


def _siblings(path: Path) -> list[str]:
    try:
        return os.listdir(path.parent)  # noqa: PTH208
    except (FileNotFoundError, ValueError):  # the latter of a name that no file can have
        return []
    except OSError as exc:
        raise refused(path, exc) from exc


def open_part(name: str) -> LogFile:
    """Open one file. OSError: it cannot be, or is no regular file."""
    fd, state = open_regular(name)
    try:
        return LogFile(name, fd, state.st_size, (state.st_dev, state.st_ino))
    except BaseException:
        os.close(fd)
        raise


def same(part: LogFile) -> bool:
    """Say whether a name still leads to the file that was opened, and that is not cut shorter."""
    state = os.stat(part.path)  # noqa: PTH116
    return (state.st_dev, state.st_ino) == part.identity and state.st_size >= part.size


def _close(parts: list[LogFile]) -> None:
    for part in parts:
        part.close()


def refused(path: Path, error: OSError) -> LogFileError:
    """Return the error that says in a line why a file cannot be read."""
    hints: dict[type[OSError], str] = {
        FileNotFoundError: "no such file: look at LogPath in 'docker inspect' of the container",
        PermissionError: "permission denied: an engine's log files are root's, so use sudo",
        NotADirectoryError: "no such file: a part of the path is a file",
    }
    words = error.strerror or str(error)
    return LogFileError(f"{path}: {hints.get(type(error), f'cannot be read: {words}')}")


def truncated(paths: list[str]) -> LogFileError:
    """Return the error that names files that were truncated while they were read."""
    what = "a file was" if len(paths) == 1 else f"{len(paths)} files were"
    names = ", ".join(paths[:3]) + (", …" if len(paths) > 3 else "")
    return LogFileError(f"{what} truncated while being read, so lines are missing: {names}")
