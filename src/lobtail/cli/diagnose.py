"""Look at an engine as ``lobtail doctor`` does: what answers, how soon, whose logs can be read."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any, Final, Literal, TypeAlias

import msgspec

from lobtail.engine.client import EngineClient
from lobtail.engine.known_issues import issues_of, parse_version
from lobtail.engine.net.requests import MAX_API
from lobtail.engine.objects.container import Container
from lobtail.errors import EngineError, LobtailError, LogFileError, ProtocolError
from lobtail.flags import with_flags
from lobtail.model.timestamps import parse_rfc3339
from lobtail.sources.opening import open_files

__all__ = ["EngineReport", "Finding", "KnownBug", "examine"]

# Seconds for all containers of an engine: one has thousands, another is far away.
PATIENCE: Final = 10.0
# How many are looked at at once.
CONNECTIONS: Final = 8
# A clock that is wrong by less changes nothing that a person would see.
SKEW: Final = 1.0

Grade: TypeAlias = Literal["ok", "note", "warning", "error"]


class Finding(msgspec.Struct, frozen=True):
    """A sentence about something, and how grave that is."""

    grade: Grade
    text: str
    hint: str = ""
    """What to do, or what lobtail does."""


class KnownBug(msgspec.Struct, frozen=True):
    """A bug that the engine has, and how many of its containers it concerns."""

    name: str
    title: str
    handling: str
    concerns: int
    fixed: str = ""
    reference: str = ""


class EngineReport(msgspec.Struct):
    """What was found out about one engine; what could not be is empty."""

    endpoint: str = ""
    origin: str = ""
    name: str = ""
    """``Docker`` or ``Podman``."""
    version: str = ""
    api: str = ""
    """The version in use."""
    newest_api: str = ""
    oldest_api: str = ""
    platform: str = ""
    kernel: str = ""
    root: str = ""
    """Where it keeps its files."""
    log_driver: str = ""
    """For containers that name none."""
    connect_ms: float | None = None
    answer_ms: float | None = None
    clock_ms: float | None = None
    """How far the engine's clock is ahead of ours."""
    clock_doubt_ms: float | None = None
    containers: int | None = None
    running: int = 0
    looked_at: int = 0
    drivers: dict[str, int] = {}
    files: int = 0
    """Whose log files are read."""
    findings: list[Finding] = []
    about_containers: list[Finding] = []
    bugs: list[KnownBug] = []

    def say(self, grade: Grade, text: str, hint: str = "") -> None:
        """Add a finding about the engine."""
        self.findings.append(Finding(grade, text, hint))


async def examine(arguments: dict[str, Any], report: EngineReport) -> None:
    """Find out all about the engine that ``arguments`` make an ``EngineClient`` of.

    Whatever fails is a finding.
    """
    try:
        engine = EngineClient(**arguments)
        report.endpoint, report.origin = engine.endpoint.url, engine.endpoint.origin
        async with engine:
            await _engine(engine, report)
            await _clock(engine, report)
            await _containers(engine, report)
    except LobtailError as exc:
        report.say("error", with_flags(" ".join(str(exc).split())))


async def _engine(engine: EngineClient, report: EngineReport) -> None:
    started = time.perf_counter()
    first = await engine.ping()
    between = time.perf_counter()
    await engine.ping()  # on the same connection
    report.answer_ms = _ms(time.perf_counter() - between)
    report.connect_ms = max(0.0, round(_ms(between - started) - report.answer_ms, 1))
    report.say(
        "ok", f"answers in {report.answer_ms:g} ms; connecting takes {report.connect_ms:g} ms"
    )
    version = await engine.version()
    report.name = "Podman" if first.podman else "Docker"
    report.version = version.version
    report.api = ".".join(map(str, await engine.api_version()))
    report.newest_api, report.oldest_api = first.api_version, version.min_api_version
    report.platform = f"{version.os}/{version.arch}"
    report.kernel = version.kernel_version
    report.say(
        "ok",
        f"{report.name} {report.version or 'of unknown version'} on {report.platform}, "
        f"kernel {report.kernel or 'unknown'}",
    )
    newest = parse_version(report.newest_api)
    ours = ".".join(map(str, MAX_API))
    said = f"API {report.api}; the engine speaks {report.oldest_api or '?'} to {report.newest_api}"
    if parse_version(report.oldest_api) > MAX_API:
        report.say("error", said, f"lobtail speaks {ours} at most: a newer lobtail is needed")
    elif newest > MAX_API:
        report.say("ok", f"{said}, lobtail {ours} at most")
    else:
        report.say("ok", said)
    if not first.podman and (1, 12) <= parse_version(report.version) < (20, 10):
        report.say("warning", f"Docker {report.version} is older than what lobtail is tested with")


async def _clock(engine: EngineClient, report: EngineReport) -> None:
    before = time.time()
    try:
        info = await engine.info()
    except EngineError as exc:  # a proxy that lets nobody ask
        report.say("note", f"the engine tells nothing of itself: {exc.message}")
        return
    after = time.time()
    report.root, report.log_driver = info.docker_root_dir, info.logging_driver
    try:
        stamp = parse_rfc3339(info.system_time)
    except ProtocolError:
        report.say("note", "the engine does not tell its time")
        return
    # The engine looked at its clock between the two.
    doubt = (after - before) / 2
    ahead = stamp / 1e9 - (before + after) / 2
    report.clock_ms, report.clock_doubt_ms = round(ahead * 1e3, 1), round(doubt * 1e3, 1)
    where = "ahead of" if ahead > 0 else "behind"
    text = f"its clock is {_span(abs(ahead))} {where} ours (± {_span(doubt)})"
    if abs(ahead) - doubt > SKEW:
        report.say(
            "warning",
            text,
            "--since 10m and time>10m count from ours: set the clocks, or give times",
        )
    else:
        report.say("ok", f"its clock agrees with ours, to within {_span(abs(ahead) + doubt)}")


async def _containers(engine: EngineClient, report: EngineReport) -> None:
    listed = await engine.containers.list(all=True)
    report.containers = len(listed)
    report.running = sum(item.running for item in listed)
    limit = asyncio.Semaphore(CONNECTIONS)
    found: list[tuple[Container, str, int]] = []
    broken: list[Finding] = []

    async def look(ident: str, name: str) -> None:
        async with limit:
            try:
                container = await engine.containers.inspect(ident)
            except (EngineError, ProtocolError) as exc:
                # What was removed since it was listed, or is on its way, is no matter.
                if isinstance(exc, ProtocolError) or exc.status >= 500:
                    broken.append(Finding("warning", f"{name}: {' '.join(str(exc).split())}"))
                return
            size, why = 0, ""
            try:
                with await open_files(engine, container) as files:
                    size = files.size
            except LogFileError as exc:
                why = str(exc)
            found.append((container, why, size))

    tasks = [asyncio.create_task(look(item.id, item.name or item.id)) for item in listed]
    if tasks:
        done, late = await asyncio.wait(tasks, timeout=PATIENCE)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for task in done:
            task.result()
    _about_containers(report, found)
    report.about_containers += broken
    known = issues_of(parse_version(report.version), podman=report.name == "Podman")
    report.bugs = [
        KnownBug(
            bug.name,
            bug.title,
            bug.handling,
            sum(bug.concerns(container) for container, _, _ in found),
            ".".join(map(str, bug.fixed or ())),
            bug.reference,
        )
        for bug in known
    ]


def _about_containers(report: EngineReport, found: list[tuple[Container, str, int]]) -> None:
    report.looked_at = len(found)
    report.drivers = dict(Counter(container.log_driver or "?" for container, _, _ in found))
    report.files = sum(not why for _, why, _ in found)
    say = report.about_containers.append
    drivers = ", ".join(f"{count} {name}" for name, count in sorted(report.drivers.items()))
    total = f"{_count(report.containers or 0, 'container')}, {report.running} of them running"
    say(Finding("ok", f"{total}; log drivers: {drivers}" if drivers else total))
    if report.looked_at < (report.containers or 0):
        text = f"only {report.looked_at} could be looked at within {PATIENCE:g} s"
        say(Finding("note", text))
    if report.files:
        size = sum(size for _, _, size in found)
        text = (
            f"log files of {_count(report.files, 'container')} can be read, {_bytes(size)} in all"
        )
        say(Finding("ok", text))
    for why, names in _grouped(found):
        say(Finding("note", f"read by the API: {_names(names)}: {why}"))
    for finding in _settings(found):
        say(finding)


def _settings(found: list[tuple[Container, str, int]]) -> list[Finding]:
    """Return what is worth knowing of how logs are kept."""
    none, lossy, deleted, endless = [], [], [], []
    remote: dict[str, list[str]] = {}
    for container, _, size in found:
        name = container.name.removeprefix("/")
        options = container.host_config.log_config.config or {}
        driver = container.log_driver
        if driver == "none":
            none.append(name)
        elif driver not in ("json-file", "local", "journald", "k8s-file", "passthrough", ""):
            remote.setdefault(driver, []).append(name)
        if options.get("mode") == "non-blocking":
            lossy.append(name)
        if container.log_max_size is not None and not container.log_kept:
            deleted.append(name)
        if driver == "json-file" and container.log_max_size is None and size > 1 << 30:
            endless.append(f"{name} ({_bytes(size)})")
    say = []
    if none:
        text = f"the log driver 'none' keeps nothing to be read: {_names(none)}"
        say.append(Finding("warning", text))
    for driver, names in sorted(remote.items()):
        text = f"the log driver {driver} sends logs elsewhere: {_names(names)}"
        hint = "the engine answers from its own cache of them, unless cache-disabled is set"
        say.append(Finding("note", text, hint))
    if lossy:
        text = (
            f"mode=non-blocking drops lines without a word when they come too fast: {_names(lossy)}"
        )
        say.append(
            Finding("warning", text, "nobody can tell which; max-buffer-size makes it rarer")
        )
    if deleted:
        text = f"all of a log is deleted whenever it is full (max-file=1): {_names(deleted)}"
        say.append(Finding("warning", text, "set max-file to 2 or more"))
    if endless:
        text = f"log files grow without limit: {_names(endless)}"
        say.append(Finding("note", text, "max-size and max-file limit them"))
    return say


def _grouped(found: list[tuple[Container, str, int]]) -> list[tuple[str, list[str]]]:
    """Return why logs are not read from files, and whose, the most frequent reason first."""
    groups: dict[str, list[str]] = {}
    for container, why, _ in found:
        if why and container.log_driver != "none":  # which is said by itself
            # A path tells its container; what is left is the same for all.
            why = why.replace(container.id, "ID")
            groups.setdefault(why, []).append(container.name.removeprefix("/"))
    return sorted(groups.items(), key=lambda group: -len(group[1]))


def _names(names: list[str]) -> str:
    """Name the first few."""
    names = sorted(names)
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def _count(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _bytes(size: int) -> str:
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "bytes" or value >= 10 else f"{value:.1f} {unit}"


def _span(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1e3:.1f} ms"
    return f"{seconds:.1f} s" if seconds < 600 else f"{seconds / 60:.0f} min"


def _ms(seconds: float) -> float:
    return round(seconds * 1e3, 1)
