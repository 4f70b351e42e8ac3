"""Run lobtail in a fork of a process that has imported it, without starting Python.

Of the 80 ms of CPU that a start takes, Python and its imports take 70. Where lobtail is held
against docker some 2,000 times with ever other arguments, or against an engine's faults, only what
it writes and how it ends matters: a fork does all that a new process does from
`lobtail.cli.entry.main` on. What is about the start itself, signals, memory, descriptors or a
terminal starts a real one.
"""

from __future__ import annotations

import gc
import os
import pickle
import pkgutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import NoReturn

REQUEST = 100_000  # bytes of arguments and environment


def _interpreters(env: Mapping[str, str]) -> dict[str, str]:
    """Return what Python looks at when it starts."""
    return {key: env[key] for key in env if key.startswith(("PYTHON", "LANG", "LC_"))}


_INTERPRETERS = _interpreters(os.environ)


def can_fork(env: Mapping[str, str]) -> bool:
    """Tell whether an interpreter that is started with this environment would be the same."""
    return _interpreters(env) == _INTERPRETERS


class Run:
    """A run of `lobtail ARGS` that has begun."""

    def __init__(
        self, args: Sequence[str | bytes], env: Mapping[str, str], timeout: float = 50
    ) -> None:
        self._args = args
        self._answer, theirs = socket.socketpair()
        with theirs:
            message = pickle.dumps((args, dict(env), timeout))
            assert len(message) < REQUEST
            socket.send_fds(_server(), [message], [theirs.fileno()])

    def finish(self) -> tuple[bytes, bytes, int]:
        """Wait for its end; return its stdout, its stderr and its exit code."""
        with self._answer, self._answer.makefile("rb") as answer:
            stdout, stderr, code, late = pickle.load(answer)
        assert not late, (
            f"lobtail {self._args!r} did not end; it wrote {stdout[-500:]!r} and {stderr[-500:]!r}"
        )
        return stdout, stderr, code


@cache
def _start_server() -> socket.socket:
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    with theirs:
        # It ends when our end of its stdin is closed, however we end.
        process = subprocess.Popen(
            [sys.executable, "-P", __file__], stdin=theirs.fileno(), stdout=subprocess.DEVNULL
        )
    # Nobody waits for it.
    process.returncode = 0
    return ours


_lock = threading.Lock()


def _server() -> socket.socket:
    with _lock:
        return _start_server()


# --- in the process that forks ------------------------------------------------------------------


def _serve() -> None:
    import lobtail

    for module in pkgutil.walk_packages(lobtail.__path__, "lobtail."):
        if not module.name.startswith(("lobtail.__main__", "lobtail.tui")):
            import_module(module.name)
    gc.collect()
    gc.freeze()  # so that a fork copies no memory to look at these objects
    control = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who waits
    while True:
        message, descriptors, *_ = socket.recv_fds(control, REQUEST, 1)
        if not descriptors:
            return
        if not os.fork():
            control.close()
            with socket.socket(fileno=descriptors[0]) as answer:
                answer.sendall(pickle.dumps(_observe(*pickle.loads(message))))
            os._exit(0)
        os.close(descriptors[0])
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:  # no zombies but the last
                pass


def _observe(
    args: Sequence[str | bytes], env: Mapping[str, str], timeout: float
) -> tuple[bytes, bytes, int, bool]:
    (out, to_out), (err, to_err) = os.pipe(), os.pipe()
    pid = os.fork()
    if not pid:
        _become(args, env, to_out, to_err)
    os.close(to_out)
    os.close(to_err)
    killer = threading.Timer(timeout, os.kill, (pid, signal.SIGKILL))
    killer.start()
    begin = time.monotonic()
    with (
        ThreadPoolExecutor() as pool,
        os.fdopen(out, "rb") as stdout,
        os.fdopen(err, "rb") as stderr,
    ):
        written = list(pool.map(lambda stream: stream.read(), (stdout, stderr)))
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    killer.cancel()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return written[0], written[1], code, time.monotonic() - begin > timeout


def _become(
    args: Sequence[str | bytes], env: Mapping[str, str], stdout: int, stderr: int
) -> NoReturn:
    """Be what `python -m lobtail ARGS` is when it has been imported."""
    from lobtail.cli.entry import main

    try:
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        os.closerange(3, max(stdout, stderr, 64) + 1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(env)
        time.tzset()
        sys.argv = ["lobtail", *map(os.fsdecode, args)]
        main()
    finally:  # it never returns
        sys.excepthook(*sys.exc_info())
        os._exit(1)


if __name__ == "__main__":
    _serve()
