"""Tail log files without an engine: after its death, from a backup, from a captured stream."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from lobtail.engine.objects.container import Config
from lobtail.errors import LogFileError
from lobtail.files import LogFiles, open_log
from lobtail.files.opening import refused, truncated
from lobtail.follow.driver import Driver
from lobtail.follow.intake import Clock, Intake
from lobtail.follow.options import FollowOptions
from lobtail.follow.slots import Slot
from lobtail.model.items import ContainerRef, Gap
from lobtail.model.swarm import SERVICE_NAME, STACK
from lobtail.query.selection import ContainerSelection
from lobtail.regular import read_regular
from lobtail.session.inbox import CONNECTIONS, Inbox, SourceQueue
from lobtail.session.saved import SAVED, SavedHistory, containers_in
from lobtail.session.supervision import supervised
from lobtail.sources.files import FileSource

if TYPE_CHECKING:
    from lobtail.follow.position import Reached
    from lobtail.query.plan import Plan

__all__ = ["FileSession", "find_logs", "name_of"]

_ID: Final = re.compile(r"[0-9a-f]{64}")


class FileSession:
    """The logs of some files, to their ends; ``run`` reads them into ``inbox``."""

    host = ""
    lost = None
    has_chosen = at_rest = False

    def __init__(
        self,
        paths: list[Path],
        selection: ContainerSelection,
        options: FollowOptions,
        inbox: Inbox,
        *,
        plan: Plan | None = None,
    ) -> None:
        self.begun = asyncio.Event()
        self.is_open = False
        self.found: list[tuple[ContainerRef, bool]] = []
        self.containers: list[ContainerRef] = []
        self._paths = paths
        self._selection = selection
        self._plan = plan
        self._options = options
        self._inbox = inbox
        self._truncated: list[str] = []

    async def run(self) -> None:
        """Read all of them.

        Raises:
            LogFileError: a file cannot be opened, before anything is read; or some are truncated,
                when all have been read.
        """
        try:
            chosen = self._choose()
            opening = asyncio.Semaphore(CONNECTIONS)
            async with supervised() as tasks:
                for path, ref in chosen:
                    slot = Slot(opening)
                    queue = self._inbox.open(slot)
                    tasks.create_task(self._read(path, ref, queue, slot))
                self.is_open = True
                self.begun.set()
            if self._truncated:
                raise truncated(self._truncated)
        finally:
            self.begun.set()

    def overdue(self) -> None:
        """Wait all the same: files are opened at once."""

    def reached(self, handed_out: Mapping[str, int]) -> list[Reached]:  # noqa: ARG002
        """Return nothing: a position is of what is followed."""
        return []

    def _choose(self) -> list[tuple[Path, ContainerRef]]:
        """Return the files that are read, and how their lines name the container."""
        choosing = self._selection != ContainerSelection()
        chosen: list[tuple[Path, ContainerRef]] = []
        for path in self._paths:
            ref = name_of(path)
            refs = [ref]
            with open_log(path) as files:
                of_many = files.driver == SAVED
                if of_many:
                    refs = containers_in(files, all=choosing)
            refs = [each for each in refs if self._selection.matches(each)]
            self.found += ((each, False) for each in {each.id: each for each in refs}.values())
            wanted = of_many or self._plan is None or self._plan.may_come_from(ref)
            if wanted and (refs or not choosing):
                chosen.append((path, ref))
        return chosen

    async def _read(self, path: Path, ref: ContainerRef, queue: SourceQueue, slot: Slot) -> None:
        try:
            async with slot:
                with open_log(path) as files:
                    if files.driver == SAVED:
                        history = SavedHistory(files, ref, self._selection, self._options, queue)
                        await history.read()
                    else:
                        await self._read_log(files, ref, queue, slot)
                    self._truncated += files.truncated
        except (LogFileError, OSError) as exc:
            # The others go on.
            await queue.deliver([Gap(ref, None, str(exc))])
        finally:
            queue.close()

    async def _read_log(
        self, files: LogFiles, ref: ContainerRef, queue: SourceQueue, slot: Slot
    ) -> None:
        clock, options = Clock(), self._options
        if self._plan is not None:
            # What has no stamps has no time at all.
            stamped = files.is_stamped
            around = 0
            if self._inbox.grouper is not None:
                from lobtail.entries.grouper import MAX_LINES

                around = MAX_LINES
            options = options.narrowed(self._plan, since=stamped, until=stamped, around=around)
        intake = Intake(
            ref,
            clock,
            streams=options.streams,
            restamped=files.driver == "k8s-file",
            runs=False,
        )
        source = FileSource(files, details=options.details)
        driver = Driver(None, queue, slot, clock)
        await driver.run(intake.take(source.held(options.history)))
        await driver.run(intake.finish())


def find_logs(paths: tuple[str, ...]) -> list[Path]:
    """Return the logs that paths mean: a file or a container's folder is one, a folder of many all.

    Raises:
        LogFileError: a folder cannot be listed, or holds no log.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        try:
            found += _logs_in(path)
        except OSError as exc:
            raise refused(path, exc) from exc
    return found


def _logs_in(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    names = sorted(os.listdir(path))  # noqa: PTH208 - a folder of thousands of names
    inner = [path / name for name in names if _ID.fullmatch(name)]
    if not inner:
        return [path]
    logs = [folder for folder in inner if _has_log(folder)]
    if not logs:
        raise LogFileError(f"{path}: none of its {len(inner)} containers has a log here")
    return logs


def _has_log(folder: Path) -> bool:
    """Tell whether a container's folder has a log; one with another log driver has none."""
    return (folder / f"{folder.name}-json.log").exists() or (folder / "local-logs").exists()


class _Settings(msgspec.Struct, rename="pascal"):
    """What names a container in its ``config.v2.json`` (moby, ``container.Container``)."""

    id: str = msgspec.field(default="", name="ID")
    name: str = ""
    config: Config = Config()


def name_of(path: Path) -> ContainerRef:
    """Return how the lines of a log name its container.

    By what the engine keeps beside the log, if that can be read; else by its ID or its file's name.
    """
    folder = path.parent
    try:
        if path.is_dir():
            folder = path
        folder = folder.parent if folder.name == "local-logs" else folder
        data = read_regular(folder / "config.v2.json")
        settings = msgspec.json.decode(data, type=_Settings)
    except (OSError, msgspec.DecodeError, ValueError, RecursionError):
        settings = _Settings()
    match = _ID.search(folder.name) or _ID.search(path.name)
    identifier = settings.id or (match[0] if match else str(path))
    labels = settings.config.labels or {}
    return ContainerRef(
        id=identifier,
        name=settings.name.removeprefix("/") or (identifier[:12] if match else path.name),
        image=settings.config.image,
        project=labels.get("com.docker.compose.project") or labels.get(STACK, ""),
        service=labels.get("com.docker.compose.service") or labels.get(SERVICE_NAME, ""),
        labels=labels,
    )
