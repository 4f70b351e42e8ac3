"""No public signature names a type of lobtail's that a program cannot import."""

from __future__ import annotations

import ast
import functools
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import TypeVar

import pytest

import lobtail
import lobtail.docker
import lobtail.errors
import lobtail.sync
import lobtail.types

MODULES = (lobtail, lobtail.docker, lobtail.errors, lobtail.sync, lobtail.types)
PUBLIC = [(module, name) for module in MODULES for name in module.__all__]
NAMES = {name for _, name in PUBLIC}
# Queries are read by `sources` and `session`, too; a program has a text of one and `matches`.
OURS = {
    ("Query", "Term"),
    ("Query", "Plan"),
}


def functions(cls: type) -> Iterator[object]:
    """Yield the public methods and properties of a class of ours."""
    for name, member in vars(cls).items():
        if name.startswith("_") and name not in ("__aiter__", "__anext__", "__iter__"):
            continue
        if isinstance(member, property):
            yield member.fget
        elif isinstance(member, functools.cached_property):
            yield member.func
        elif isinstance(member, classmethod | staticmethod):
            yield member.__func__
        elif inspect.isfunction(member):
            yield member


def signatures(value: object) -> Iterator[tuple[str, str]]:
    """Yield what stands in the signatures of a function or class, and the module it stands in."""
    if inspect.isfunction(value):
        signature = inspect.signature(value)
        for annotation in (
            signature.return_annotation,
            *(parameter.annotation for parameter in signature.parameters.values()),
        ):
            yield str(annotation), value.__module__
    if inspect.isclass(value):
        for base in value.__mro__:
            if base.__module__.startswith("lobtail"):
                for name, annotation in vars(base).get("__annotations__", {}).items():
                    if not name.startswith("_"):
                        yield str(annotation), base.__module__
                for function in functions(base):
                    yield from signatures(function)


@functools.cache
def homes(module: str) -> dict[str, str]:
    """Return from where a module has the names that are lobtail's."""
    tree = ast.parse(inspect.getsource(import_module(module)))
    found = {
        alias.asname or alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("lobtail")
        for alias in node.names
    }
    for node in tree.body:
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        for name in [getattr(node, "name", None), *(getattr(t, "id", None) for t in targets)]:
            if name is not None:
                found[name] = module
    return found


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_signatures_name_public_types(module: ModuleType, name: str) -> None:
    value = getattr(module, name)
    for text, place in signatures(value):
        for word in re.findall(r"[A-Za-z_]\w*", text):
            home = homes(place).get(word)
            if home is None or word in NAMES or (name, word) in OURS:
                continue
            assert isinstance(getattr(import_module(home), word), TypeVar), f"{word} in {text!r}"
