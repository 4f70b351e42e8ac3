"""The log files that an engine keeps on disk, as the same messages that its API gives."""

from lobtail.files.log import LogFiles, open_log
from lobtail.files.values import Damage, Literals, Passed

__all__ = ["Damage", "Literals", "LogFiles", "Passed", "open_log"]
