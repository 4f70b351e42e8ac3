"""Execute a command in a container that runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from lobtail.engine.net.requests import Requests, segment
from lobtail.engine.objects.answer import Identifier, decode
from lobtail.engine.streams.hijacked import TwoWayStream
from lobtail.errors import ConfigError, EngineError, LobtailError

__all__ = ["ExecOptions", "ExecStream"]

# From this API version on the size of the terminal can be said beforehand.
SIZED_API: Final = (1, 42)
# Between two looks at whether the command has ended; engines cannot be asked to wait for it.
FIRST_PAUSE: Final = 0.01
LONGEST_PAUSE: Final = 0.5
# docker's CLI tries as often to set the first size of a terminal (tty.go).
RESIZES: Final = 10


class ExecOptions(msgspec.Struct, frozen=True):
    """What is to be executed, and how."""

    command: tuple[str, ...]
    stdin: bool = False
    stdout: bool = True
    stderr: bool = True
    tty: bool = False
    size: tuple[int, int] | None = None
    env: tuple[str, ...] = ()
    user: str = ""
    workdir: str = ""
    privileged: bool = False
    detach: bool = False
    detach_keys: str = ""

    @classmethod
    def build(
        cls,
        command: Sequence[str] | str,
        env: Mapping[str, str] | Sequence[str],
        **options: Any,
    ) -> ExecOptions:
        """Turn every form that users may give into the one that is sent."""
        if isinstance(command, str):
            raise ConfigError(
                f"the command {command!r} is one text: give a list of words, or "
                "['sh', '-c', TEXT] for a shell"
            )
        if not command:
            raise ConfigError("no command is given")
        if isinstance(env, Mapping):
            env = [f"{name}={value}" for name, value in env.items()]
        texts = {name: _text(value) for name, value in options.items() if isinstance(value, str)}
        return cls(
            command=tuple(map(_text, command)), env=tuple(map(_text, env)), **{**options, **texts}
        )

    def content(self) -> dict[str, Any]:
        """Return what to make the execution with."""
        attach = not self.detach
        return {
            "Cmd": self.command,
            "AttachStdin": self.stdin and attach,
            "AttachStdout": self.stdout and attach,
            "AttachStderr": self.stderr and attach,
            "Tty": self.tty,
            "Env": self.env or None,
            "User": self.user,
            "WorkingDir": self.workdir,
            "Privileged": self.privileged,
            "DetachKeys": self.detach_keys,
            **self._sized(),
        }

    def start(self) -> dict[str, Any]:
        """Return what to start it with."""
        return {"Detach": self.detach, "Tty": self.tty, **self._sized()}

    def _sized(self) -> dict[str, Any]:
        return {"ConsoleSize": self.size} if self.size and self.tty else {}


def _text(argument: str) -> str:
    """Return an argument as JSON can hold it: bytes that are no UTF-8 are lost, as with docker."""
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class _Created(msgspec.Struct, rename={"id": "Id"}):
    id: Identifier


class _State(msgspec.Struct, rename="pascal"):
    running: bool = False
    exit_code: int | None = None


class ExecStream(TwoWayStream):
    r"""A command in a container: the frames that it writes, and its stdin.

    ::

        async with engine.containers.exec("web", ["cat"], stdin=True) as stream:
            await stream.write(b"hello\n")
            await stream.write_eof()
            async for frame in stream:
                ...
            print("exit code", await stream.wait())

    The command starts when the stream is entered. With a TTY, frames are pieces of stdout. The
    iteration ends when the command ends, and all that still holds its outputs. Entering it raises
    ``EngineError``: there is no such container, or it does not run. A command that cannot be
    executed is told of in the stream, by the engine, and has the exit code 126 or 127; with
    ``detach`` it is an ``EngineError``. Reading raises what ``AttachStream`` raises.

    With ``detach`` nothing is attached: there is nothing to read, and ``wait`` waits. Podman 4.3
    notes the end of such a command only minutes later, five unless it is configured otherwise.
    """

    def __init__(self, requests: Requests, container: str, options: ExecOptions) -> None:
        super().__init__(
            requests, stdin=options.stdin and not options.detach, detach_keys=options.detach_keys
        )
        self._name = container
        self._options = options
        self._id = ""
        self._sizing: asyncio.Task[None] | None = None

    @property
    def id(self) -> str:
        """The engine's ID of the execution."""
        if not self._id:
            raise RuntimeError("the command has not begun: enter the stream with 'async with'")
        return self._id

    async def wait(self) -> int:
        """Wait for the end of the command; return its exit code.

        It can be asked for as long as the container runs, also after the stream was closed.

        Raises:
            EngineError: the container has ended meanwhile, and the engine has forgotten.
        """
        pause = FIRST_PAUSE
        while (code := await self.exit_code()) is None:
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        return code

    async def exit_code(self) -> int | None:
        """Return the exit code of the command; None while it runs."""
        target = f"{self._target()}/json"
        state = await self._requests.fetch(target, _State)
        return None if state.running else state.exit_code

    def _close(self) -> None:
        """End the stream at once. The command goes on."""
        super()._close()
        if self._sizing is not None:
            self._sizing.cancel()

    def _target(self) -> str:
        return f"/exec/{segment(self.id, 'execution')}"

    async def _batch(self) -> list[bytes] | None:
        return None if self._options.detach else await super()._batch()

    async def _open(self) -> None:
        requests = self._requests
        options = self._options
        if await requests.api_version() < SIZED_API:
            options = msgspec.structs.replace(options, size=None)
        target = f"/containers/{segment(self._name, 'container')}/exec"
        self._id = decode(
            await requests.post(target, content=options.content()), _Created, target
        ).id
        if options.detach:
            await requests.post(f"{self._target()}/start", content=options.start())
            return
        await self._hijack(f"{self._target()}/start", {}, tty=options.tty, content=options.start())
        if self._options.size and not options.size and options.tty:
            self._sizing = asyncio.create_task(self._resize_early(*self._options.size))

    async def _resize_early(self, rows: int, columns: int) -> None:
        """Set the first size where it cannot be said beforehand: the command may not run yet."""
        for attempt in range(RESIZES):
            try:
                await self.resize(rows, columns)
            except EngineError:
                await asyncio.sleep(FIRST_PAUSE * (attempt + 1))
            except LobtailError:  # told of where the stream is read
                return
            else:
                return
