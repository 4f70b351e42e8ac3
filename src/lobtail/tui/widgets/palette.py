"""The colours of a log: for dark themes, for light ones, and for who wants none.

Containers have the colours that they have on the command line, which are readable on both.
"""

from __future__ import annotations

from typing import Final

import msgspec
from rich.color import Color
from rich.style import Style

from lobtail.model.levels import Level

__all__ = ["COLORLESS", "DARK", "LIGHT", "LogColors"]


class LogColors(msgspec.Struct, frozen=True):
    """What is drawn in which colour."""

    dim: Style
    warning: Style
    error: Style
    fatal: Style
    loss: Style
    found: Style
    lit: Style
    bar_errors: Color
    bar_warnings: Color
    bar_others: Color
    edge: Style
    cursor: Style
    """Of the line that is pointed at, while keys go to the log."""
    cursor_idle: Style
    selected: Style
    track: Style
    thumb: Style
    title: Style
    title_idle: Style
    accent: Style
    good: Style
    chart: Style
    here: Style
    """Of the bars for what is on the screen."""

    def of_state(self, state: str) -> Style:
        """Return the colour of the state of a container."""
        return {
            "running": self.good,
            "paused": self.warning,
            "restarting": self.warning,
            "failed": self.error,
            "dead": self.error,
            "removing": self.error,
        }.get(state, self.dim)

    def of_level(self, level: Level) -> Style:
        """Return the colour of a line's text by its level."""
        return {
            Level.TRACE: self.dim,
            Level.DEBUG: self.dim,
            Level.WARN: self.warning,
            Level.ERROR: self.error,
            Level.FATAL: self.fatal,
        }.get(level, _PLAIN)


_PLAIN: Final = Style()


def _colors(**colors: str) -> LogColors:
    dim, warning, error = colors["dim"], colors["warning"], colors["error"]
    return LogColors(
        dim=Style.parse(dim),
        warning=Style.parse(warning),
        error=Style.parse(error),
        fatal=Style.parse(f"bold {error}"),
        loss=Style.parse(f"bold {warning}"),
        found=Style.parse(colors["found"]),
        lit=Style.parse(colors["lit"]),
        bar_errors=Color.parse(error),
        bar_warnings=Color.parse(warning),
        bar_others=Color.parse(colors["others"]),
        edge=Style.parse(dim),
        cursor=Style.parse(f"on {colors['cursor']}"),
        cursor_idle=Style.parse(f"on {colors['idle']}"),
        selected=Style.parse(f"on {colors['selected']}"),
        track=Style.parse(f"on {colors['track']}"),
        thumb=Style.parse(f"on {colors['thumb']}"),
        title=Style.parse(f"bold {colors['accent']}"),
        title_idle=Style.parse("bold"),
        accent=Style.parse(colors["accent"]),
        good=Style.parse(colors["good"]),
        chart=Style.parse(colors["others"]),
        here=Style.parse(f"on {colors['here']}"),
    )


DARK: Final = _colors(
    dim="#7d8590",
    warning="#e3b341",
    error="#ff7b72",
    others="#3d6b9e",
    found="#0d1117 on #f2cc60",
    lit="#0d1117 on #76e3ea",
    cursor="#1f3a5f",
    idle="#1c2430",
    selected="#3b2e5a",
    track="#161b22",
    thumb="#30415a",
    here="#22303f",
    accent="#58a6ff",
    good="#56d364",
)
LIGHT: Final = _colors(
    dim="#6e7781",
    warning="#8a5a00",
    error="#cf222e",
    others="#8fb6e0",
    found="#1f2328 on #ffd33d",
    lit="#1f2328 on #9be9f0",
    cursor="#cfe4ff",
    idle="#eaeef3",
    selected="#e6d9fb",
    track="#eef1f4",
    thumb="#b9c8da",
    here="#dde6f0",
    accent="#0969da",
    good="#1a7f37",
)
_BOLD: Final = Style(bold=True)
_DIM: Final = Style(dim=True)
_REVERSE: Final = Style(reverse=True)
_UNDERLINE: Final = Style(underline=True)
# For NO_COLOR: what is grave stands out, what is pointed at is turned around.
COLORLESS: Final = LogColors(
    dim=_DIM,
    warning=_UNDERLINE,
    error=_BOLD,
    fatal=_BOLD + _UNDERLINE,
    loss=_BOLD,
    found=_BOLD + _REVERSE + _UNDERLINE,
    lit=_BOLD + _UNDERLINE,
    bar_errors=Color.default(),
    bar_warnings=Color.default(),
    bar_others=Color.default(),
    edge=_DIM,
    cursor=_REVERSE,
    cursor_idle=_UNDERLINE,
    selected=_REVERSE,
    track=_PLAIN,
    thumb=_REVERSE,
    title=_BOLD,
    title_idle=_PLAIN,
    accent=_BOLD,
    good=_PLAIN,
    chart=_PLAIN,
    here=_UNDERLINE,
)
