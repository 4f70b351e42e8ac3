"""Import public names when they are first used."""

from __future__ import annotations

import sys
from importlib import import_module

from lobtail._homes import HOMES

__all__ = ["find", "public_names"]


def find(module: str, name: str) -> object:
    """Return what ``module`` calls so, and let it keep it.

    Raises:
        AttributeError: it is none of its public names.
    """
    if name == "__all__":
        return public_names(module)
    home = HOMES[module].get(name)
    if home is None:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    setattr(sys.modules[module], name, value)
    return value


def public_names(module: str) -> list[str]:
    """Return the public names of a module, sorted."""
    return sorted(HOMES[module])
