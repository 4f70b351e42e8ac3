"""Save a log: what is held of it, or all that the engine has, in the background."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual.worker import Worker

from lobtail.errors import ConfigError, LobtailError
from lobtail.model.items import ContainerRef, Item
from lobtail.model.sanitize import sanitize
from lobtail.tui.export import JSON_SUFFIXES, destination, save, sliced
from lobtail.tui.screens.questions import ConfirmScreen, MenuScreen
from lobtail.tui.widgets.prompt import Ask, Prompt

if TYPE_CHECKING:
    from lobtail.tui.widgets.log_body import LogBody

__all__ = ["Saving"]

Batches = Callable[[], AsyncIterator[Sequence[Item]]]


class Saving:
    """Asks what to save and where, writes it, and says how far it is and what came of it."""

    def __init__(self, body: LogBody) -> None:
        self._body = body
        self._worker: Worker[None] | None = None
        self._containers: list[ContainerRef] = []

    def ask(self) -> None:
        """Ask what to save; while something is being saved, whether to stop that."""
        body, model = self._body, self._body.model
        if self._worker is not None and self._worker.is_running:
            self._confirm("A log is being saved. Stop that? Nothing is kept of it.", self._stop)
            return
        items = body.shown_items()
        feed = body.feed
        reading = feed is None or not feed.settled or bool(feed.error) or not model.complete
        if body.view.selection is not None:
            self._held(items)
            return
        if not (reading or model.since_ns is not None or model.detached):
            self._whole(items)
            return
        options = [("all", "", f"all lines of the log from its beginning on{self._filtered}")]
        if items:
            count = f"{_lines(len(items))} {'read so far' if reading else 'in memory'}"
            options.append(("held", "", f"only the {count}{self._filtered}"))
        if not reading:
            options.reverse()

        def chosen(name: str | None) -> None:
            if name == "held":
                self._held(items)
            elif name == "all":
                self._ask_where("all lines", self._read_all)

        body.app.push_screen(MenuScreen("Save", options), chosen)

    @property
    def _filtered(self) -> str:
        return f" (where {self._body.filter_words})" if self._body.model.filter else ""

    def _held(self, items: Sequence[Item]) -> None:
        if not items:
            self._say("nothing to save: no line is shown", severity="warning")
            return
        self._note_containers(items)
        self._ask_where(_lines(len(items)), lambda: sliced(items))

    def _whole(self, items: Sequence[Item]) -> None:
        """Save what is shown, which is all there is, as far as is known."""
        if items:
            self._ask_where(_lines(len(items)), self._all_there_is)
        else:
            self._held(items)

    async def _all_there_is(self) -> AsyncIterator[Sequence[Item]]:
        """Give all lines: from memory, or from the engine where more may be on their way."""
        body = self._body
        if body.feed is None or not body.feed.current or not body.model.complete:
            async for batch in self._read_all():
                yield batch
            return
        items = body.shown_items()
        self._note_containers(items)
        async for batch in sliced(items):
            yield batch

    def _note_containers(self, items: Sequence[Item]) -> None:
        self._containers = [*{item.container.id: item.container for item in items}.values()]

    async def _read_all(self) -> AsyncIterator[Sequence[Item]]:
        """Give all lines that the engine has, as far as they pass the filter."""
        body = self._body
        assert body.fleet is not None
        assert body.feed is not None
        wanted = body.feed.filter_arguments()
        tail = body.fleet.tail(body.feed.target, follow=False, **wanted)
        async with tail:
            self._containers = list(tail.found)
            async for batch in tail.batches():
                yield batch

    # --- where ------------------------------------------------------------------------------

    def _ask_where(self, what: str, batches: Batches) -> None:
        def typed(text: str) -> str:
            if text.strip():
                try:
                    destination(text)
                except ConfigError as exc:
                    return str(exc)
            return ""

        def note(text: str) -> str:
            path, there = destination(text)
            kind = "JSON lines" if path.suffix.lower() in JSON_SUFFIXES else "text"
            return f"{kind}: {path}{', which is there already' if there else ''}"

        def done(text: str) -> None:
            if not text.strip():
                return
            path, there = destination(text)
            if there:
                self._confirm(f"{path} is there already. Replace it?", lambda: begin(path))
            else:
                begin(path)

        def begin(path: Path) -> None:
            self._worker = self._body.run_worker(self._write(path, batches), exit_on_error=False)

        name = time.strftime("lobtail-%Y%m%d-%H%M%S.log")
        hint = ".jsonl for JSON lines"
        self._body.screen.query_one(Prompt).ask(
            Ask(title=f"save {what} to", text=name, hint=hint, typed=typed, note=note, done=done)
        )

    async def _write(self, path: Path, batches: Batches) -> None:
        body = self._body

        def progress(lines: int) -> None:
            body.beside = f"saving: {lines:,} lines …"
            body.touch()

        try:
            saved = await save(
                batches(), path, body.view.look, containers=self._known, progress=progress
            )
        except LobtailError as exc:
            self._say(str(exc), severity="error")
        else:
            self._say(f"{_lines(saved.lines)}, {saved.size:,} bytes: {path}", title="Saved")
        finally:
            body.beside = ""
            body.touch()

    def _known(self) -> Iterable[ContainerRef]:
        return self._containers

    def _stop(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
            self._say("nothing was saved")

    def _confirm(self, question: str, then: Callable[[], object]) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                then()

        self._body.app.push_screen(ConfirmScreen(question), answered)

    def _say(self, words: str, *, title: str = "", severity: str = "information") -> None:
        self._body.notify(
            sanitize(words),
            title=title,
            severity=severity,  # type: ignore[arg-type]
            markup=False,
        )


def _lines(count: int) -> str:
    return f"{count:,} line{'' if count == 1 else 's'}"
