"""``lobtail doctor``: whether all is well between lobtail and its engine, and what is not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

import click
import msgspec

from lobtail.cli.diagnose import EngineReport, Finding, examine
from lobtail.cli.diagnose_here import HereReport, examine_here
from lobtail.cli.options import DockerCommand, every_engine_arguments, host_option, run
from lobtail.errors import ConfigError
from lobtail.flags import with_flags
from lobtail.model.sanitize import sanitize
from lobtail.render.escaped import encode_json
from lobtail.terminal.output import Output

__all__ = ["command"]

# Seconds of silence that are borne, unless LOBTAIL_TIMEOUT says less; and for all of an engine.
_SILENCE: Final = 5.0
_LONGEST: Final = 30.0


class _Report(msgspec.Struct):
    """The JSON object of ``--json``. ``v`` grows when a key changes its meaning or goes."""

    v: int
    healthy: bool
    here: HereReport
    engines: list[EngineReport]


@click.command(
    "doctor", cls=DockerCommand, short_help="Say whether all is well, for people and for reports."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@host_option
def command(as_json: bool, host: tuple[str, ...]) -> int:
    """Say whether all is well with the engine, its clock, its logs and our settings.

    The exit code is 1 where something is broken: no engine answers, or settings cannot be used. The
    text can be put into a report of a fault as it is; it has names of containers and the values of
    the variables that matter.
    """
    here = examine_here()
    try:
        arguments = every_engine_arguments(host)
    except ConfigError as exc:
        return _tell(
            here, [EngineReport(findings=[Finding("error", with_flags(str(exc)))])], as_json=as_json
        )
    for each in arguments:
        each["timeout"] = min(each["timeout"], _SILENCE)
    return run(_examine(arguments, here, as_json=as_json))


async def _examine(arguments: list[dict[str, object]], here: HereReport, *, as_json: bool) -> int:
    engines = [await _engine(each) for each in arguments]
    code = _tell(here, engines, as_json=as_json)
    if code:
        # A thread may still be looking for the address of a name: nobody waits for it.
        raise SystemExit(code)
    return code


async def _engine(arguments: dict[str, object]) -> EngineReport:
    report = EngineReport()
    try:
        async with asyncio.timeout(_LONGEST):
            await examine(arguments, report)
    except TimeoutError:
        report.say("error", f"it could not be looked at within {_LONGEST:g} s")
    return report


def _tell(here: HereReport, engines: list[EngineReport], *, as_json: bool) -> int:
    """Write the report; return the exit code."""
    grades = [finding.grade for finding in _findings(here, engines)]
    report = _Report(1, "error" not in grades, here, engines)
    if as_json:
        text = msgspec.json.format(encode_json(report), indent=2) + b"\n"
    else:
        text = "".join(line + "\n" for line in _lines(report)).encode("utf-8", "replace")
    Output.stdout().write(text)
    return 0 if report.healthy else 1


def _findings(here: HereReport, engines: list[EngineReport]) -> Iterator[Finding]:
    yield from here.findings
    for engine in engines:
        yield from engine.findings
        yield from engine.about_containers


def _lines(report: _Report) -> Iterator[str]:
    here = report.here
    yield f"lobtail {here.lobtail}, {here.python}, {here.system}, {here.user}"
    for engine in report.engines:
        yield ""
        where = f"{engine.endpoint} ({engine.origin})" if engine.endpoint else "?"
        yield sanitize(f"Engine: {where}")
        yield from _shown(engine.findings)
        if engine.containers is not None:
            yield ""
            yield "Containers"
            yield from _shown(engine.about_containers)
        yield from _bugs(engine)
    yield ""
    yield "Here"
    yield from _shown(here.findings)
    yield f"  ok    docker CLI: {here.docker}" if here.docker else "  ok    no docker CLI on PATH"
    for name, value in here.variables.items():
        yield sanitize(f"        {name}={value}")
    yield ""
    yield "All is well." if report.healthy else "Something is broken: see ERROR above."


def _bugs(engine: EngineReport) -> Iterator[str]:
    if not engine.bugs:
        return
    yield ""
    yield sanitize(f"Known bugs of {engine.name} {engine.version} that matter for logs")
    here = [bug for bug in engine.bugs if bug.concerns]
    for bug in here:
        about = [f"concerns {bug.concerns} here"]
        about += [f"fixed in {bug.fixed}"] if bug.fixed else []
        about += [bug.reference] if bug.reference else []
        yield f"        {bug.title} ({', '.join(about)})"
        yield f"        → lobtail {bug.handling}"
    if left := len(engine.bugs) - len(here):
        more = "more " if here else ""
        yield f"        {left} {more}that concern{'s' if left == 1 else ''} no container here"


_MARKS: Final = {"ok": "ok   ", "note": "note ", "warning": "WARN ", "error": "ERROR"}


def _shown(findings: list[Finding]) -> Iterator[str]:
    for finding in findings:
        yield sanitize(f"  {_MARKS[finding.grade]} {finding.text}")
        if finding.hint:
            yield sanitize(f"        {finding.hint}")
