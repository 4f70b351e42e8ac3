"""What can be done with what an engine has: which, to what, and what is asked before."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, NamedTuple, TypeAlias

from lobtail.api import Engine
from lobtail.engine.objects.lifecycle import Pruned
from lobtail.errors import ConfigError, EngineError, LobtailError
from lobtail.tui.state.inventory import Kind, Row, size_words

__all__ = ["ACTIONS", "Action", "actions_for", "perform", "prune"]

Do: TypeAlias = Callable[[Engine, Row], Awaitable[object]]

# What an engine calls a volume that was given no name.
_NAMELESS: Final = re.compile(r"[0-9a-f]{64}")

_RUNNING: Final = ("running", "paused", "restarting")
_STOPPED: Final = ("exited", "failed", "created", "dead")


class Action(NamedTuple):
    """Something that is done with each of the objects that are chosen."""

    name: str
    kind: Kind
    words: str
    """With ``{}`` where names stand, if that is not at the end."""
    done: str
    """What has happened then."""
    do: Do
    states: tuple[str, ...] = ()
    """In which states it can be done; none: in all."""
    question: str = ""
    """What is asked before."""
    undoable: bool = False
    """Whether nothing is lost by it, so that who has chosen it from a menu is not asked."""
    by_force: Do | None = None
    """What can be done instead where the engine refuses it."""

    def words_for(self, names: str) -> str:
        """Return what is done with those of some names."""
        return self.words.format(names) if "{}" in self.words else f"{self.words} {names}"


class Outcome(NamedTuple):
    """What came of an action."""

    done: list[str]
    faults: list[str]
    refused: list[tuple[Row, str]]
    """What can still be done by force, and why it was not done."""


async def _remove_container(engine: Engine, row: Row) -> None:
    await engine.containers.remove(row.key, force=row.state in _RUNNING)


async def _remove_with_volumes(engine: Engine, row: Row) -> None:
    await engine.containers.remove(row.key, force=row.state in _RUNNING, volumes=True)


async def _remove_image(engine: Engine, row: Row) -> None:
    await engine.images.remove(row.key)


async def _force_image(engine: Engine, row: Row) -> None:
    await engine.images.remove(row.key, force=True)


async def _remove_network(engine: Engine, row: Row) -> None:
    name = row.key
    # By its ID Podman 4.3 takes a network away from the containers that are in it.
    if await engine.is_podman():
        name = (await engine.networks.inspect(name)).name
    await engine.networks.remove(name)


ACTIONS: Final = (
    Action(
        "start",
        "container",
        "start",
        "started",
        lambda e, r: e.containers.start(r.key),
        _STOPPED,
        "Start {}?",
        undoable=True,
    ),
    Action(
        "stop",
        "container",
        "stop",
        "stopped",
        lambda e, r: e.containers.stop(r.key),
        _RUNNING,
        "Stop {}?",
    ),
    Action(
        "restart",
        "container",
        "restart",
        "restarted",
        lambda e, r: e.containers.restart(r.key),
        (),
        "Restart {}?",
    ),
    Action(
        "pause-container",
        "container",
        "pause",
        "paused",
        lambda e, r: e.containers.pause(r.key),
        ("running",),
        "Pause {}?",
        undoable=True,
    ),
    Action(
        "pause-container",
        "container",
        "unpause",
        "unpaused",
        lambda e, r: e.containers.unpause(r.key),
        ("paused",),
        "Unpause {}?",
        undoable=True,
    ),
    Action(
        "kill",
        "container",
        "kill",
        "killed",
        lambda e, r: e.containers.kill(r.key),
        _RUNNING,
        "Kill {}?",
    ),
    Action(
        "remove",
        "container",
        "remove",
        "removed",
        _remove_container,
        (),
        "Remove {}? Its filesystem changes and its log will be lost.",
    ),
    Action(
        "remove-volumes",
        "container",
        "remove {} with its anonymous volumes",
        "removed",
        _remove_with_volumes,
        (),
        "Remove {} and its anonymous volumes? Their data, its filesystem changes and its log "
        "will be lost.",
    ),
    Action(
        "remove",
        "image",
        "remove",
        "removed",
        _remove_image,
        (),
        "Remove {}?",
        by_force=_force_image,
    ),
    Action(
        "remove",
        "volume",
        "remove",
        "removed",
        lambda e, r: e.volumes.remove(r.key),
        (),
        "Remove {}? All data in it will be lost.",
    ),
    Action(
        "remove",
        "network",
        "remove",
        "removed",
        _remove_network,
        (),
        "Remove {}?",
    ),
)


def actions_for(name: str, rows: list[Row]) -> tuple[Action | None, list[Row]]:
    """Return the action of a name for what is chosen, and those with which it can be done."""
    if not rows:
        return None, []
    action: Action | None = None
    for action in (a for a in ACTIONS if a.name == name and a.kind == rows[0].kind):
        fit = [row for row in rows if row.key and (not action.states or row.state in action.states)]
        if fit:
            return action, fit
    return action, []


async def perform(engine: Callable[[str], Engine], action: Action, rows: list[Row]) -> Outcome:
    """Do it with each, on the ``engine`` of its name; return what was done, and what went wrong."""
    done: list[str] = []
    faults: list[str] = []
    refused: list[tuple[Row, str]] = []
    for row in rows:
        try:
            await action.do(engine(row.host), row)
        except EngineError as exc:
            said = row.full_name == row.name and f"{row.name}:" in exc.message
            words = exc.message if said else f"{row.full_name}: {exc.message}"
            # So moby says that a container runs that was made of an image.
            final = exc.status != 409 or "cannot be forced" in exc.message
            if action.by_force is None or final:
                faults.append(words)
            else:
                refused.append((row, words))
        except LobtailError as exc:
            faults.append(f"{row.full_name}: {exc}")
        else:
            done.append(row.full_name)
    return Outcome(done, faults, refused)


PRUNE_QUESTIONS: Final[dict[str, str]] = {
    "container": "Remove all stopped containers? Their logs will be lost.",
    "image": "Remove all untagged images?",
    "volume": "Remove all unused anonymous volumes? Their data will be lost.",
    "network": "Remove all unused networks?",
}


async def _prune_volumes(engine: Engine) -> Pruned:
    try:
        return await engine.volumes.prune()
    except ConfigError:  # engines before API 1.42 would remove those with a name, too
        unused = await engine.volumes.list(filters={"dangling": "true"})
        deleted = []
        for volume in unused:
            if _NAMELESS.fullmatch(volume.name):
                with suppress(EngineError):  # somebody took it, or removed it, meanwhile
                    await engine.volumes.remove(volume.name)
                    deleted.append(volume.name)
        return Pruned(deleted)


async def prune(engine: Engine, kind: Kind) -> str:
    """Remove what nobody uses of a kind; return what was done, in words."""
    if kind == "image":
        pruned = await engine.images.prune()
    elif kind == "volume":
        pruned = await _prune_volumes(engine)
    elif kind == "network":
        pruned = await engine.networks.prune()
    else:
        pruned = await engine.containers.prune()
    count = len(pruned.deleted or ())
    room = f", {size_words(pruned.space_reclaimed)} freed" if pruned.space_reclaimed else ""
    return f"{count} {kind}{'' if count == 1 else 's'} removed{room}"
