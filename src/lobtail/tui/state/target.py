"""Whose log is looked at, and the command that shows the same."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

import msgspec

from lobtail.model.frames import Stream
from lobtail.model.levels import Level
from lobtail.tui.state.filters import Filter
from lobtail.tui.state.record import quoted_text

__all__ = ["Target", "command_for", "joined"]


class Target(msgspec.Struct, frozen=True):
    """Which containers: by name, by compose project and service, or all that run."""

    names: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    everything: bool = False
    """Also those that do not run."""
    host: str = ""
    """On this one of several engines; empty for all."""
    parts: tuple[Target, ...] = ()
    """The targets that it is made of, if it is made of several; then all else is empty."""

    @property
    def single(self) -> bool:
        """Whether it is one container that is named, so that its name need not be shown."""
        if len(self.names) != 1 or self.projects or self.services:
            return False
        return not any(character in self.names[0] for character in "*?[/")

    @property
    def title(self) -> str:
        """Words for people; not made safe."""
        if self.parts:
            return ", ".join(part.title for part in self.parts)
        parts = [*self.names, *self.labels, *(f"image {image}" for image in self.images)]
        if self.services:
            where = f"{self.projects[0]}/" if self.projects else ""
            parts += [where + service for service in self.services]
        elif self.projects:
            parts += self.projects
        return ", ".join(parts) or ("All containers" if self.everything else "All running")

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``Engine.tail`` beside the selectors, which are ``names``."""
        return {
            "projects": self.projects,
            "services": self.services,
            "labels": self.labels,
            "images": self.images,
            "exclude": self.exclude,
            # Of a project also what has ended is of interest: why has it?
            "all": self.everything or bool(self.projects or self.services),
        }


def command_for(
    target: Target,
    wanted: Filter,
    *,
    engine: tuple[str, ...] = (),
    part: tuple[str, ...] = (),
    stamps: str = "off",
) -> str:
    """Return the ``lobtail tail`` command that shows the same lines, for a shell.

    ``engine`` are the options that say which engine is meant, and ``part`` those that say which
    part of the logs.
    """
    query = wanted.query
    if target.parts:
        # Options of a kind are joined by or, and kinds by and: only a query joins as it must be.
        query = " and ".join(f"({each})" for each in (_where(target), query) if each)
        target = Target(everything=any(part.arguments()["all"] for part in target.parts))
    words = ["lobtail", *engine, "tail"]
    for option, values in (
        ("--project", target.projects),
        ("--service", target.services),
        ("--label", target.labels),
        ("--image", target.images),
        ("--exclude-container", target.exclude),
    ):
        for value in values:
            words += (option, value)
    if target.arguments()["all"]:
        words.append("--all")
    words += part
    if wanted.level is not Level.UNKNOWN:
        words += ("--level", wanted.level.name.lower())
    if wanted.stream is not None:
        words += ("--stream", "stderr" if wanted.stream is Stream.STDERR else "stdout")
    if query:
        words += ("--where", query)
    if stamps != "off":
        words.append(f"--timestamps={'rfc3339' if stamps == 'full' else stamps}")
    if any(name.startswith("-") for name in target.names):
        words.append("--")
    return " ".join(map(_quoted, [*words, *target.names]))


def joined(targets: Sequence[Target]) -> Target:
    """Return the target of all that one of ``targets`` has, which are those of rows.

    What is alike is read together: containers, projects, the services of a project.
    """
    whole = {(each.host, name) for each in targets if not each.services for name in each.projects}
    found: dict[tuple[str, str, str], Target] = {}
    for each in targets:
        project = each.projects[0] if each.services else ""
        if (each.host, project) in whole:
            continue
        kind = "names" if each.names else "projects"
        known = found.get((each.host, kind, project), Target(host=each.host))
        found[each.host, kind, project] = msgspec.structs.replace(
            known,
            names=tuple(dict.fromkeys(known.names + each.names)),
            projects=tuple(dict.fromkeys(known.projects + each.projects)),
            services=tuple(dict.fromkeys(known.services + each.services)),
        )
    parts = tuple(found.values())
    return parts[0] if len(parts) == 1 else Target(parts=parts)


def _where(target: Target) -> str:
    """Return the query that holds for the lines of one of a target's parts."""
    return " or ".join(
        " and ".join(
            f"{name} in ({', '.join(map(quoted_text, values))})"
            for name, values in (
                ("container", part.names),
                ("project", part.projects),
                ("service", part.services),
            )
            if values
        )
        for part in target.parts
    )


def _quoted(word: str) -> str:
    """Quote a word for a shell; characters that could act where it is pasted are written out."""
    if word.isprintable():
        return shlex.quote(word)
    escaped = "".join(c if c.isprintable() else _escape(c) for c in word.replace("\\", "\\\\"))
    return "$'" + escaped.replace("'", "\\'") + "'"


def _escape(character: str) -> str:
    code = ord(character)
    return (
        f"\\x{code:02x}"
        if code < 0x80
        else f"\\u{code:04x}"
        if code < 0x10000
        else f"\\U{code:08x}"
    )
