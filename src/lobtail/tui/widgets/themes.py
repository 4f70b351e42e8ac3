"""Two themes of our own, one dark and one light."""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

__all__ = ["DARK_THEME", "LIGHT_THEME"]

DARK_THEME: Final = Theme(
    name="lobtail-dark",
    primary="#58a6ff",
    secondary="#39c5cf",
    accent="#d2a8ff",
    warning="#e3b341",
    error="#ff7b72",
    success="#56d364",
    foreground="#d7dde4",
    background="#0d1117",
    surface="#161b22",
    panel="#21262d",
    dark=True,
    variables={"footer-key-foreground": "#58a6ff", "footer-background": "#161b22"},
)
LIGHT_THEME: Final = Theme(
    name="lobtail-light",
    primary="#0969da",
    secondary="#1b7c83",
    accent="#8250df",
    warning="#8a5a00",
    error="#cf222e",
    success="#1a7f37",
    foreground="#1f2328",
    background="#ffffff",
    surface="#f3f5f8",
    panel="#e6eaef",
    dark=False,
    variables={"footer-key-foreground": "#0969da", "footer-background": "#f3f5f8"},
)
