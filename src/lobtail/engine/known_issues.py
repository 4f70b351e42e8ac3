"""What engines are known to do wrong with logs, since when and until when, and what we do about it.

Seen on running engines or read in their sources; ``reference`` is moby's issue where there is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from lobtail.engine.objects.container import Container

__all__ = ["BUGS", "KnownIssue", "issues_of", "parse_version"]

Release: TypeAlias = tuple[int, ...]


class KnownIssue(msgspec.Struct, frozen=True):
    """A fault of engines from ``first`` on, up to but without ``fixed``; None is no border."""

    name: str
    title: str
    handling: str
    """What lobtail does about it."""
    first: Release | None = None
    fixed: Release | None = None
    reference: str = ""
    podman: bool = False
    """Whether it is Podman's, and not Docker's."""
    concerns: Callable[[Container], bool] = lambda _: True

    def is_in(self, version: Release, *, podman: bool) -> bool:
        """Tell whether an engine of that version has it."""
        return (
            podman is self.podman
            and (self.first is None or version >= self.first)
            and (self.fixed is None or version < self.fixed)
        )


def parse_version(text: str) -> Release:
    """Return the numbers of a version such as ``20.10.24+dfsg1``; none for what is no version."""
    match = re.match(r"v?([0-9]{1,9}(?:\.[0-9]{1,9})*+)(?![0-9])", text)
    return tuple(map(int, match[1].split("."))) if match else ()


def issues_of(version: Release, *, podman: bool) -> list[KnownIssue]:
    """Return what an engine of that version does wrong."""
    return [bug for bug in BUGS if bug.is_in(version, podman=podman)]


def _on_disk(container: Container) -> bool:
    return container.log_driver in ("json-file", "local")


def _rotates(container: Container) -> bool:
    return container.log_max_size is not None


def _compressed(container: Container) -> bool:
    return container.log_compressed


def _local(container: Container) -> bool:
    return container.log_driver == "local"


def _podman_file(container: Container) -> bool:
    return container.log_in_podmans_file


BUGS: Final = (
    KnownIssue(
        "since-compressed",
        "with --since, files that were rotated and compressed hide all newer rotated ones",
        "reads the files; by the API it asks for ever more lines from the end instead",
        fixed=(23, 0),
        concerns=_compressed,
    ),
    KnownIssue(
        "follow-compressed",
        "following a log that rotates with compression loses most of its lines",
        "follows the files; by the API it asks for the end of the log again and again",
        fixed=(23, 0),
        concerns=_compressed,
    ),
    KnownIssue(
        "follow-duplicates",
        "following sends lines twice when the log rotates",
        "counts what it has had, and drops what comes again",
        fixed=(23, 0),
        concerns=_rotates,
    ),
    KnownIssue(
        "follow-loses-end",
        "following loses a last line that has no newline",
        "reads the end of the log once more when the container has stopped",
        fixed=(23, 0),
        reference="moby#43860",
        concerns=_on_disk,
    ),
    KnownIssue(
        "local-last-piece",
        "the local driver ends lines above 16 KiB without a newline, so the next one is glued on",
        "tells the lines apart by their times",
        fixed=(23, 0),
        concerns=_local,
    ),
    KnownIssue(
        "local-zone",
        "the local driver's times are sent in the engine's own time zone",
        "reads them with their offset; its files only where that zone is UTC",
        fixed=(25, 0),
        concerns=_local,
    ),
    KnownIssue(
        "damage-ends-log",
        "a damaged record (NULs after a crash, say) ends the log without a word",
        "reads on behind it, and marks the place",
        fixed=(28, 0),
        reference="moby#29511, moby#53631",
        concerns=_on_disk,
    ),
    KnownIssue(
        "damage-skips-file",
        "a damaged record skips the rest of its file, or ends following while the container runs",
        "reads on behind it, takes the log up again, and marks the place",
        first=(28, 0),
        reference="moby#53631",
        concerns=_on_disk,
    ),
    KnownIssue(
        "rotation-skips",
        "a reader that is two rotations behind is sent on without the lines between",
        "follows the files; by the API it looks twice, shows what was left out, and marks it",
        first=(23, 0),
        concerns=_rotates,
    ),
    KnownIssue(
        "follow-hangs",
        "following may hang for good when a log is rotated",
        "looks at a rotated log again when it falls silent",
        reference="moby#37646, moby#39235",
        concerns=_rotates,
    ),
    KnownIssue(
        "truncated-log",
        "once a log file is truncated (by copytruncate, say), following stays silent and the last "
        "lines are not found until the container is restarted",
        "marks a gap and reads the file; by the API it polls the log instead of following it",
        first=(23, 0),
        reference="moby#45728",
        concerns=_on_disk,
    ),
    KnownIssue(
        "emptied-log",
        "asking for the last lines of an emptied log never gets an answer",
        "lets other containers go on, marks a gap, and does not ask again and again",
        first=(28, 0),
        reference="portainer#12984",
        concerns=_on_disk,
    ),
    KnownIssue(
        "since-is-slow",
        "--since reads the whole log to find its beginning",
        "finds it in the files by bisection; by the API nothing can be done",
        reference="moby#37471",
        concerns=_on_disk,
    ),
    KnownIssue(
        "until-never-ends",
        "-f --until does not end before a line comes that is younger",
        "keeps a clock of its own",
    ),
    KnownIssue(
        "podman-seconds",
        "times may be whole seconds, so the order of lines of different containers is not known",
        "keeps the order within each container, and counts equal lines to resume without loss",
        reference="podman#27691",
        podman=True,
        fixed=(6, 0),
    ),
    KnownIssue(
        "podman-tail-pieces",
        "the last lines come with the pieces of a long one behind the line before it",
        "asks them for their times, and reads from there on",
        reference="podman#19545",
        podman=True,
        fixed=(4, 7),
        concerns=_podman_file,
    ),
    KnownIssue(
        "podman-half-lines",
        "following leaves out the rest of a line that is read while it is written",
        "looks at the log again soon afterwards, shows what was left out, and marks it",
        reference="podman#21914",
        podman=True,
        concerns=_podman_file,
    ),
)
