"""The log files that an engine keeps on disk, as the same messages that its API gives.

Texts to search for are derived of patterns and queries by ``files.literals``, which is not loaded
from here: showing a log needs no query.
"""

from lobtail.files.following import LogTail
from lobtail.files.log import LogFiles, open_log
from lobtail.files.records import Damage, MissingRecords, SkippedRecords
from lobtail.files.watch import FileWatch

__all__ = [
    "Damage",
    "FileWatch",
    "LogFiles",
    "LogTail",
    "MissingRecords",
    "SkippedRecords",
    "open_log",
]
