"""Notice that a log file was truncated, without reading it."""

from __future__ import annotations

from lobtail.errors import LogFileError
from lobtail.files.log_file import LogFile
from lobtail.files.opening import open_part

__all__ = ["FileWatch"]


class FileWatch:
    """Watches the file that an engine writes a log to. ``LogFiles.watch`` makes it.

    A log only grows, so a file that is shorter than before was truncated; so was one in which other
    bytes stand before its old end. A look takes a few system calls; between two looks no file is
    held open.
    """

    def __init__(self, part: LogFile) -> None:
        self._path = part.path
        self._remember(part)

    def look(self) -> bool:
        """Return whether the file was truncated since the last look."""
        try:
            part = open_part(self._path)
        except (OSError, LogFileError):
            return False  # it has no name now: it is being rotated, or was removed
        try:
            truncated = part.identity == self._identity and (
                part.size < self.size or not part.is_as_read(self.size, self._known)
            )
            self._remember(part)
        except OSError:
            return False
        finally:
            part.close()
        return truncated

    def _remember(self, part: LogFile) -> None:
        self._identity = part.identity
        self.size = part.size
        """How long the file was when it was looked at last."""
        self._known = part.before(part.size)
