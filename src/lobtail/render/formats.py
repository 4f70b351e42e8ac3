"""Find a format by its name."""

from __future__ import annotations

from typing import Final

from lobtail.errors import ConfigError
from lobtail.render.style import Formatter, Style

__all__ = ["FORMATS", "make_formatter"]

FORMATS: Final = ("pretty", "raw", "json")


def make_formatter(name: str, style: Style, template: str | None = None) -> Formatter:
    """Return a formatter: that of ``template`` if there is one, else the one called ``name``.

    Raises:
        ConfigError: there is no such format, or the template cannot be used.
    """
    # Imported by those who use it: each has its own tables to make.
    if template is not None:
        from lobtail.render.template import TemplateFormatter

        return TemplateFormatter(style, template)
    if name == "pretty":
        from lobtail.render.pretty import PrettyFormatter

        return PrettyFormatter(style)
    if name == "raw":
        from lobtail.render.raw import RawFormatter

        return RawFormatter(style)
    if name == "json":
        from lobtail.render.json import JsonFormatter

        return JsonFormatter(style)
    raise ConfigError(f"there is no format {name!r}; there are {', '.join(FORMATS)}")
