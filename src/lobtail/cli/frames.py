"""``lobtail frames``: see the frames that make log lines begin with garbage."""

from __future__ import annotations

import os
from collections.abc import Callable

import click

from lobtail.cli.options import DockerCommand, host_option, make_engine, run
from lobtail.engine.client import EngineClient
from lobtail.engine.streams.logs import LogStream
from lobtail.errors import ConnectionLostError, LobtailError
from lobtail.model.frame_inspector import PREVIEW_SIZE, FrameInspector, WireFrame
from lobtail.render.frames import HEADING, as_json, as_text
from lobtail.terminal.output import Output, print_status

__all__ = ["command"]


@click.command("frames", cls=DockerCommand, short_help="Show a log's frames as they are sent.")
@click.argument("container", metavar="CONTAINER|-")
@click.option("-f", "--follow", is_flag=True, help="Go on with what the container writes.")
@click.option("-n", "--tail", default="all", metavar="N", help="Begin N messages before the end.")
@click.option("-t", "--timestamps", is_flag=True, help="Ask the engine for timestamps.")
@click.option("--since", metavar="TIME", help="Begin at a time; as in 'lobtail logs'.")
@click.option("--until", metavar="TIME", help="Stop behind a time.")
@click.option("--details", is_flag=True, help="Ask the engine for the driver's attributes.")
@click.option("--json", "json_lines", is_flag=True, help="One JSON object a line.")
@host_option
def command(
    container: str,
    follow: bool,
    tail: str,
    timestamps: bool,
    since: str | None,
    until: str | None,
    details: bool,
    json_lines: bool,
    host: tuple[str, ...],
) -> None:
    """Show the log stream of CONTAINER frame by frame: offset, header, stream, size, payload.

    With '-' the stream is read from stdin, for instance a capture made with
    'curl --unix-socket /var/run/docker.sock …/logs?stdout=1'.
    """
    out = Output.stdout()
    table = _Table(out, HEADING if not json_lines else "", as_json if json_lines else as_text)
    if container == "-":
        if os.isatty(0):
            print_status("lobtail: reading a captured stream from the terminal; end it with Ctrl-D")
        table.begin()
        for data in iter(_read, b""):
            table.frames(data)
        table.end()
        return
    engine = make_engine(host)
    stream = engine.containers.logs(
        container,
        follow=follow,
        tail=tail,
        since=since,
        until=until,
        timestamps=timestamps,
        details=details,
    )
    run(_show(engine, stream, table))


def _read() -> bytes:
    try:
        return os.read(0, 1 << 16)
    except OSError as exc:
        raise LobtailError(f"cannot read stdin: {exc.strerror}") from exc


async def _show(engine: EngineClient, stream: LogStream, table: _Table) -> None:
    async with engine, stream:
        table.begin()
        add = table.frames
        if not stream.multiplexed:
            print_status(
                f"lobtail: {stream.container.name.removeprefix('/')} has a TTY: the engine sends "
                "raw bytes without frames; a row is what came at once"
            )
            add = table.raw
        try:
            async for chunk in stream.chunks():
                add(chunk)
        except ConnectionLostError:
            table.unfinished()
            raise
        table.end()


class _Table:
    """Rows on stdout, as soon as their frames are whole."""

    def __init__(self, out: Output, heading: str, form: Callable[[WireFrame], str]) -> None:
        self._out = out
        self._form = form
        self._inspector = FrameInspector()
        self._heading = heading
        self._offset = 0

    def begin(self) -> None:
        """Write the heading: what is asked for can be had."""
        self._out.write(self._heading.encode())

    def frames(self, data: bytes) -> None:
        """Add the frames that ``data`` completes."""
        self._add(self._inspector.receive_data(data))
        if self._inspector.error is not None:
            raise self._inspector.error

    def raw(self, data: bytes) -> None:
        """Add a row for bytes that came without a header."""
        self._add([WireFrame(self._offset, b"", len(data), data[:PREVIEW_SIZE])])
        self._offset += len(data)

    def unfinished(self) -> None:
        """Show a frame that will not become whole."""
        if self._inspector.unfinished is not None:
            self._add([self._inspector.unfinished])

    def end(self) -> None:
        """Say that the stream ended; raises if that was inside a frame."""
        self.unfinished()
        self._inspector.receive_eof()

    def _add(self, rows: list[WireFrame]) -> None:
        self._out.write("".join(map(self._form, rows)).encode())
