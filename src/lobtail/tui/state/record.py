"""A line as a tree of what is known of it: its fields, its container, the driver's attributes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from lobtail.model.fields import MAX_DEPTH, value_text
from lobtail.model.items import Item, Line, Mark, forget_parsed, level_of
from lobtail.model.levels import Level
from lobtail.render.stamps import Stamper
from lobtail.tui.state.filters import visible_text

__all__ = ["Node", "nodes_of", "record_of", "term_for"]

# More is no record that somebody reads.
MOST: Final = 500
_PLAIN_PART: Final = re.compile(r"[\w@$/-]+")
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_@$][\w@$/-]*")
_KNOWN: Final = {
    "container",
    "image",
    "project",
    "service",
    "stream",
    "level",
    "time",
    "text",
    "label",
}
_WORDS: Final = {"and", "or", "not", "has", "in", "contains"}


class Node(msgspec.Struct, frozen=True):
    """A name with a value, or with further nodes."""

    name: str
    value: str = ""
    path: str = ""
    """As a query names it; empty for what cannot be filtered by."""
    literal: str = ""
    """The value as a query writes it."""
    children: tuple[Node, ...] = ()
    kind: str = ""
    """``str``, ``number``, ``word`` (true, false, null), ``line`` (of a log) or nothing."""


def record_of(item: Item) -> tuple[Node, ...]:
    """Return what is known of an item."""
    ref = item.container
    about = [
        Node("container", ref.name, "container", quoted_text(ref.name)),
        Node("id", ref.id),
        *(
            Node(name, value, name, quoted_text(value))
            for name, value in (
                ("image", ref.image),
                ("project", ref.project),
                ("service", ref.service),
            )
            if value
        ),
    ]
    if ref.host:
        about.append(Node("host", ref.host))
    if ref.labels:
        labels = (
            Node(key, value, f'label."{key}"' if '"' not in key else "", quoted_text(value))
            for key, value in sorted(ref.labels.items())
        )
        about.append(Node("labels", f"{len(ref.labels)}", children=tuple(labels)))
    nodes: list[Node] = []
    if isinstance(item, Line):
        if len(item.lines) > 1:
            texts = tuple(
                Node(str(i), visible_text(line), kind="line")
                for i, line in enumerate(item.lines, 1)
            )
            nodes.append(Node("lines", f"{len(texts):,}", children=texts))
        nodes.append(_head(item))
        fields = item.fields
        forget_parsed(item)
        if fields:
            inner = tuple(
                _node(str(key), value, None) for key, value in list(fields.items())[:MOST]
            )
            nodes.append(Node("fields", children=inner))
        if item.raw_details:
            details = (Node(key, value) for key, value in item.details.items())
            nodes.append(Node("details", children=tuple(details)))
    else:
        nodes.append(Node(item.kind, _time(item.time_ns)))
        assert isinstance(item, Mark)
        extra = msgspec.structs.asdict(item)
        nodes += [
            Node(key, str(value))
            for key, value in extra.items()
            if key not in ("container", "time_ns")
        ]
    nodes.append(Node("container", children=tuple(about)))
    return tuple(nodes)


def nodes_of(value: Mapping[str, Any]) -> tuple[Node, ...]:
    """Return a JSON object, such as an engine's answer, as nodes."""
    return tuple(_node(str(key), inner, "") for key, inner in value.items())


def term_for(node: Node, *, without: bool = False) -> str:
    """Return the term of a query that keeps the lines with this value, or those without it."""
    if not node.path:
        return ""
    if not node.literal:
        return f"not has {node.path}" if without else f"has {node.path}"
    return f"{node.path}{'!=' if without else '='}{node.literal}"


def _head(line: Line) -> Node:
    level = level_of(line)
    stream = line.stream.name.lower()
    inner = [
        Node("time", _time(line.time_ns)),
        Node("stream", stream, "stream", stream),
    ]
    if level is not Level.UNKNOWN:
        name = level.name.lower()
        inner.append(Node("level", name, "level", name))
    inner.append(Node("bytes", str(len(line.raw))))
    return Node("line", children=tuple(inner))


def _node(name: str, value: Any, above: str | None, depth: int = 0) -> Node:
    path = _join(above, name)
    if depth > MAX_DEPTH and isinstance(value, Mapping | list):
        return Node(name, "…")
    if isinstance(value, Mapping):
        members = list(value.items())[:MOST]
        inner = tuple(_node(str(k), v, path, depth + 1) for k, v in members)
        return Node(name, "{}" if not inner else "", path, children=inner)
    if isinstance(value, list):
        inner = tuple(_node(str(i), v, path, depth + 1) for i, v in enumerate(value[:MOST]))
        return Node(name, "[]" if not inner else "", path, children=inner)
    if isinstance(value, str):
        return Node(name, value, path, quoted_text(value), kind="str")
    word = value_text(value)
    return Node(
        name, word, path, word, kind="word" if word in ("true", "false", "null") else "number"
    )


def _join(path: str | None, name: str) -> str:
    """Return the path of a field below ``path``; nothing where a query cannot name it."""
    if path is None:
        if name in _KNOWN or name.lower() in _WORDS:
            return f".{name}"
        return name if _PLAIN_NAME.fullmatch(name) else ""
    if not path:
        return ""
    if _PLAIN_PART.fullmatch(name):
        return f"{path}.{name}"
    return f'{path}."{name}"' if '"' not in name else ""


def quoted_text(value: str) -> str:
    """Return a text as a query writes it, always in quotes: then nothing in it has a meaning."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    for character, letter in (("\n", "n"), ("\t", "t"), ("\r", "r")):
        escaped = escaped.replace(character, f"\\{letter}")
    return f'"{escaped}"'


def _time(time_ns: int | None) -> str:
    return "-" if time_ns is None else Stamper().show(time_ns, 0)
