"""Start, stop, remove and look at containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from lobtail.engine.net.requests import PATIENCE, Requests, segment
from lobtail.engine.objects.answer import Filters, decode, encode_filters
from lobtail.errors import ConfigError, EngineError

# Every client has these methods, and `lobtail logs` calls none of them.
if TYPE_CHECKING:
    from lobtail.engine.objects.lifecycle import Pruned, Top

__all__ = ["Lifecycle", "WaitCondition"]

WaitCondition: TypeAlias = Literal["not-running", "next-exit", "removed"]

# From here on the signal to stop with can be chosen (moby, API changelog 1.42).
SIGNAL_API: Final = (1, 42)
# What a container that says nothing else is given to stop, in seconds (moby, Podman).
GRACE: Final = 10


class Lifecycle:
    """What can be done with containers, besides reading their logs; part of ``EngineClient``.

    Containers are named by name, ID or the start of the ID. All methods raise ``EngineError``,
    with status 404, where there is none of that name.
    """

    requests: Requests

    async def start(self, container: str) -> bool:
        """Start a container; return False if it ran already.

        Raises:
            EngineError: its program cannot be started, for instance.
        """
        return await self.requests.change(_at(container, "start"), timeout=self._long)

    async def stop(
        self, container: str, *, timeout: int | None = None, signal: str | None = None
    ) -> bool:
        """Stop a container and wait until it has; return False if it did not run.

        It gets ``signal`` (its own stop signal, SIGTERM as a rule) and, if it still runs after
        ``timeout`` seconds, SIGKILL. -1 waits for ever; None for as long as the container's
        configuration says, which is 10 seconds if it says nothing.

        Raises:
            ConfigError: the engine is too old (API below 1.42) to be told a ``signal``.
        """
        query, patience = await self._ending(container, timeout, signal)
        return await self.requests.change(_at(container, "stop"), query, timeout=patience)

    async def restart(
        self, container: str, *, timeout: int | None = None, signal: str | None = None
    ) -> None:
        """Stop a container as ``stop`` does, and start it; start it if it did not run."""
        query, patience = await self._ending(container, timeout, signal)
        await self.requests.post(_at(container, "restart"), query, timeout=patience)

    async def kill(self, container: str, signal: str = "SIGKILL") -> None:
        """Send a signal to a container's first process; do not wait for what it does.

        Raises:
            EngineError: the container does not run, or there is no such signal.
        """
        await self.requests.post(_at(container, "kill"), {"signal": signal})

    async def pause(self, container: str) -> None:
        """Freeze all processes of a container.

        Raises:
            EngineError: it does not run, or is frozen already.
        """
        await self.requests.post(_at(container, "pause"))

    async def unpause(self, container: str) -> None:
        """Let a frozen container go on.

        Raises:
            EngineError: it is not frozen.
        """
        await self.requests.post(_at(container, "unpause"))

    async def rename(self, container: str, name: str) -> None:
        """Give a container another name.

        Raises:
            EngineError: status 409 if another container has that name.
        """
        await self.requests.post(_at(container, "rename"), {"name": name})

    async def remove(self, container: str, *, force: bool = False, volumes: bool = False) -> None:
        """Remove a container, and with it its log.

        With ``force`` one that runs is killed first; ``volumes`` removes its anonymous volumes too.

        Raises:
            EngineError: it runs, and ``force`` was not given.
        """
        query = {name: "1" for name, wanted in (("force", force), ("v", volumes)) if wanted}
        await self.requests.delete(_path(container), query, timeout=self._long)

    async def wait(self, container: str, condition: WaitCondition = "not-running") -> int:
        """Wait until a container has ended, however long that takes; return its exit code.

        ``not-running`` is so at once if it does not run; ``next-exit`` waits for an end that is
        still to come, ``removed`` until the container is gone.
        """
        from lobtail.engine.objects.lifecycle import Waited

        target = _at(container, "wait")
        answer = await self.requests.post(target, {"condition": condition}, timeout=None)
        waited = decode(answer, Waited, target)
        if waited.error is not None and waited.error.message:
            raise EngineError(500, waited.error.message)
        return waited.status_code

    async def top(self, container: str, ps_args: str = "") -> Top:
        """List the processes of a container that runs.

        ``ps_args`` are options of ``ps`` on the engine's host, ``-ef`` by default (Podman has a
        default of its own, and understands fewer).

        Raises:
            EngineError: the container does not run, or ``ps`` refuses the options.
        """
        from lobtail.engine.objects.lifecycle import Top

        target = _at(container, "top")
        answer = await self.requests.get(target, {"ps_args": ps_args} if ps_args else None)
        if not answer.strip():  # all that Podman has to say
            raise EngineError(409, f"Container {container} is not running")
        return _columns(decode(answer, Top, target))

    async def prune(self, filters: Filters | None = None) -> Pruned:
        """Remove all containers that do not run, or those that ``filters`` hold for.

        Engines know the filters ``until`` and ``label``.
        """
        from lobtail.engine.objects.lifecycle import Pruned, PrunedContainers

        target = "/containers/prune"
        answer = await self.requests.post(target, encode_filters(filters), timeout=self._long)
        pruned = decode(answer, PrunedContainers, target)
        return Pruned(pruned.containers_deleted, pruned.space_reclaimed)

    async def inspect_raw(self, container: str, *, size: bool = False) -> dict[str, Any]:
        """Return all that the engine says of a container, as its JSON has it."""
        target = _at(container, "json")
        query = {"size": "1"} if size else None
        answer = await self.requests.get(target, query, timeout=self._long)
        return decode(answer, dict[str, Any], target)

    # --- how long it may take ---------------------------------------------------------------

    @property
    def _long(self) -> float:
        """How many seconds an engine may work before it answers."""
        return self.requests.timeout * PATIENCE

    async def _ending(
        self, container: str, timeout: int | None, signal: str | None
    ) -> tuple[dict[str, str], float | None]:
        """Return the query of what ends a container, and how long that may take."""
        query = {}
        if signal is not None:
            api = await self.requests.api_version()
            if api < SIGNAL_API:
                raise ConfigError(
                    f"the engine's API {api[0]}.{api[1]} cannot be told a signal to stop with: "
                    "that needs 1.42; kill(container, signal) sends one"
                )
            query["signal"] = signal
        if timeout is not None:
            query["t"] = str(timeout)
            grace = timeout
        else:
            from lobtail.engine.objects.lifecycle import Stoppable

            target = _at(container, "json")
            known = decode(await self.requests.get(target), Stoppable, target)
            grace = GRACE if known.config.stop_timeout is None else known.config.stop_timeout
        return query, None if grace < 0 else self.requests.timeout + grace


def _path(container: str) -> str:
    return f"/containers/{segment(container.removeprefix('/'), 'container')}"


def _at(container: str, what: str) -> str:
    return f"{_path(container)}/{what}"


def _columns(top: Top) -> Top:
    """Split what Podman leaves in one column."""
    from lobtail.engine.objects.lifecycle import Top

    if len(top.titles or ()) != 1 or top.titles is None:
        return top
    titles = top.titles[0].split()
    last = len(titles) - 1
    return Top(titles, [row[0].split(None, last) for row in top.processes or () if row])
