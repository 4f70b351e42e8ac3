"""What is shown of odd states: one line, no engine, no colours."""

from __future__ import annotations

from typing import Any

import pytest
from rich.segment import Segment

from lobtail.tui.state.target import Target
from lobtail.tui.widgets.error_banner import ErrorBanner
from lobtail.tui.widgets.palette import COLORLESS, DARK
from unit.tui.apps import Client, running
from unit.tui.hurried import run_hurried


def text_of(widget: Any, y: int) -> str:
    return "".join(segment.text for segment in widget.render_line(y))


def test_a_log_that_cannot_be_read_says_why() -> None:
    why = "cannot connect to the engine at unix:///x.sock (--host): there is no such socket"

    async def main() -> None:
        async with running(Target(names=("backup",)), settled=False) as client:  # it has no log
            trouble = client.pane.query_one(ErrorBanner)

            async def show(error: str, rows: int, place: str) -> None:
                client.pane.feed.error = error
                client.pane.show_status()
                await client.until(lambda: trouble.content_size.height == rows)
                shown = " ".join(text_of(trouble, y).strip() for y in range(rows))
                assert shown == (f"✗ {error}  Trying again …" if error else "")
                client.view.refresh()
                await client.until(lambda: f"─ {place} ─" in text_of(client.view, 0))

            await show(why, 2, "no log yet")
            await show("", 0, "loading …")

    run_hurried(main())


def colours(client: Client) -> set[tuple[int, int, int]]:
    """Return the colours of all that is on the screen."""
    strips = client.app.screen._compositor.render_strips()
    segments: list[Segment] = [segment for strip in strips for segment in strip]
    styles = [segment.style for segment in segments if segment.style is not None]
    used = [color for style in styles for color in (style.color, style.bgcolor) if color]
    return {(c.red, c.green, c.blue) for c in (color.get_truecolor() for color in used)}


@pytest.mark.parametrize(("value", "some"), [("1", False), ("0", False), ("", True)])
def test_no_color(value: str, some: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", value)

    async def main() -> None:
        async with running() as client:
            assert client.app.no_color is not some
            assert client.view.drawer.colors is (DARK if some else COLORLESS)
            found = colours(client)
            assert bool(found) is some
            # And not only greys.
            assert any(red != green for red, green, _ in found) is some

    run_hurried(main())
