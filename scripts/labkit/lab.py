"""Bring a private engine up in one directory, and take all of it down again."""

import contextlib
import fcntl
import json
import os
import queue
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from labkit import LabError, engines, image, proc
from labkit.api import Api
from labkit.packages import say

SCRIPT = Path(__file__).resolve().parent.parent / "lab"
STATE = "lab.json"
# sockaddr_un.sun_path holds 108 bytes with its NUL; containerd adds ".ttrpc" to its socket's path.
MAX_SOCKET = 107
LONGEST = "/containerd.sock.ttrpc"
READY = 60
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def default_directory(suite: str) -> str:
    """Return where a suite's engine lives unless told otherwise: short, and one for each user."""
    return f"/tmp/lobtail-lab-{suite}-{os.geteuid()}"


def resolve(directory: str) -> str:
    """Return the real path, as mountinfo and command lines will show it."""
    path = os.path.realpath(directory)
    if path == "/":
        raise LabError("the directory must be the engine's own")
    if not re.fullmatch(r"[\w./+@:,=~-]+", path, re.ASCII):
        raise LabError(f"{path}: only letters, digits and ./+@:,=~_- can be in the path")
    return path


@contextlib.contextmanager
def locked(directory: str) -> Iterator[None]:
    """Hold the directory's lock, a file beside it that goes when the directory has gone."""
    path = f"{directory}.lock"
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX)
        # The one who held it may have removed the file meanwhile: then this lock locks nothing.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(fd), os.stat(path)):
                break
        os.close(fd)
    try:
        yield
    finally:
        if not os.path.exists(directory):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        os.close(fd)


def host(directory: str) -> str | None:
    """Return the host of the engine that is up in a directory."""
    if _is_ours(directory) and Api(f"unix://{engines.socket(directory)}", timeout=5).answers():
        return f"unix://{engines.socket(directory)}"
    return None


def _is_ours(directory: str) -> bool:
    """Tell whether `up` of this user made the directory; /tmp is open to others' inventions."""
    try:
        made_by = os.lstat(directory).st_uid, os.lstat(os.path.join(directory, STATE)).st_uid
    except OSError:
        return False
    return made_by == (os.geteuid(), os.geteuid())


def _state(directory: str) -> dict[str, object]:
    try:
        state = json.loads(Path(directory, STATE).read_text())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def up(suite: str, directory: str, owner: int | None = None, *, remote: bool = False) -> str:
    """Start an engine unless it is up; return its host. `remote`: by TLS and ssh as well."""
    engines.check_platform()
    directory = resolve(directory)
    if len(os.fsencode(directory + LONGEST)) > MAX_SOCKET:
        raise LabError(
            f"{directory} is too long for the path of a Unix socket: "
            f"{MAX_SOCKET - len(LONGEST)} bytes at most; give a shorter --dir"
        )
    start = None
    if owner is not None and (start := proc.start_time(owner)) is None:
        raise LabError(f"--owner {owner}: there is no such process")
    if not os.path.isdir(os.path.dirname(directory)):
        raise LabError(f"{os.path.dirname(directory)}: there is no such directory")
    with locked(directory):
        _check_usable(directory)
        if found := host(directory):
            if (running := _state(directory).get("suite")) != suite:
                raise LabError(f"{directory} has another engine up: {running}")
            if remote and not os.path.isdir(os.path.join(directory, "remote")):
                raise LabError(f"{directory} is up without --remote: take it down first")
            if owner is not None:
                say("already up; it keeps the owner that it has")
            return found
        if _is_ours(directory):
            say(f"cleaning up what is left in {directory}")
            _take_down(directory)
        return _bring_up(suite, directory, owner, start, remote=remote)


def _check_usable(directory: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        status = os.lstat(directory)
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            raise LabError(f"{directory} is not a directory of yours")
        if os.listdir(directory) and not _is_ours(directory):
            raise LabError(f"{directory} holds other things; give an empty or a new --dir")


def _bring_up(
    suite: str, directory: str, owner: int | None, start: str | None, *, remote: bool
) -> str:
    os.makedirs(directory, mode=0o700, exist_ok=True)
    Path(directory, STATE).write_text(json.dumps({"suite": suite}) + "\n")
    address = f"unix://{engines.socket(directory)}"
    api = Api(address)
    try:
        # First of all, so that it also sees the end of an owner who dies in the next seconds.
        if owner is not None:
            _watch(directory, owner, str(start))
        for daemon in engines.prepare(suite, directory, api.answers, remote=remote):
            _start(daemon, directory)
        binary = image.busybox()
        if binary is None:
            raise LabError("no static busybox here; as root, first: apt-get install busybox-static")
        image.import_image(api, binary)
    except BaseException:
        _take_down(directory)
        raise
    version = api.json("GET", "/version").get("Version", "?")
    say(f"{suite}: {'Podman' if suite == 'podman' else 'Docker'} {version} is up in {directory}")
    return address


def _start(daemon: engines.Daemon, directory: str) -> None:
    log = Path(directory, f"{daemon.name}.log")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("DOCKER_", "XDG_"))}
    with log.open("ab") as output:
        child = _spawn(daemon.command, inherited | daemon.environment, directory, output)
    if not proc.until(lambda: child.poll() is not None or daemon.ready(), READY):
        problem = f"{daemon.name} is not ready after {READY} s"
    elif child.poll() is not None:
        problem = f"{daemon.name} ended with {child.returncode}"
    else:
        child.returncode = 0  # It stays; without this Popen warns that it was not waited for.
        return
    lines = log.read_text(errors="replace").splitlines()[-15:]
    raise LabError(
        "\n".join([f"{problem}; the last lines of its log:", *(f"  {x}" for x in lines)])
    )


def _watch(directory: str, owner: int, start: str) -> None:
    command = [sys.executable, str(SCRIPT), "_watch", directory, str(owner), start]
    _spawn(command, dict(os.environ), directory, subprocess.DEVNULL).returncode = 0


def _spawn(
    command: list[str], environment: dict[str, str], directory: str, output: IO[bytes] | int
) -> subprocess.Popen[bytes]:
    """Start a process that bears the directory's mark, in a session of its own."""
    # Broken off between fork and exec, this would leave a process that does not bear it yet.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        return subprocess.Popen(
            command,
            cwd="/",
            env={**environment, proc.MARK: directory},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, mask),
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def watch(directory: str, owner: int, start: str) -> None:
    """Wait for the owner's end, then take the engine down; the end of the engine ends this too."""
    # A hang-up is the caller's end, which this outlives; down ends this process by SIGKILL.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with contextlib.suppress(ProcessLookupError):
        fd = os.pidfd_open(owner)
        # Another start means another process with the number of the owner, who has gone.
        if proc.start_time(owner) == start:
            proc.wait_fd(fd, None)
    down(directory)


def down(directory: str) -> bool:
    """End whatever `up` started in a directory and remove it; tell whether there was anything."""
    directory = resolve(directory)
    if not os.path.lexists(directory):
        with contextlib.suppress(FileNotFoundError):
            os.stat(f"{directory}.lock")
            # Either of a half-finished up, which the lock waits for, or left by a crash.
            with locked(directory):
                return _take_down(directory) if os.path.lexists(directory) else False
        return False
    with locked(directory):
        return _take_down(directory)


def _take_down(directory: str) -> bool:
    if not os.path.lexists(directory):
        return False
    if not _is_ours(directory):
        if os.path.isdir(directory) and not os.listdir(directory):
            os.rmdir(directory)
            return False
        raise LabError(f"{directory} was not made by lab up; it stays as it is")
    groups = _groups(directory)
    with contextlib.suppress(OSError, LabError):
        _remove_containers(Api(f"unix://{engines.socket(directory)}", timeout=5))
    _stop_engine(directory)
    alive = proc.find(directory, groups)
    namespaces = proc.network_namespaces(alive)
    for process in alive:
        process.close()
    left = proc.end_all(directory, groups)
    for path in namespaces:
        proc.unmount_file(path)
    proc.remove_cgroups(groups)
    mounted = proc.unmount(directory)
    if left or mounted:
        what = [f"process {process}" for process in left] + [f"mount {path}" for path in mounted]
        raise LabError(f"still there, of {directory}: {', '.join(what)}")
    _remove_strays(directory, groups)
    _remove_directory(directory)
    return True


def _groups(directory: str) -> list[str]:
    """Return what the cgroups of the directory's containers have in their names."""
    names = [engines.group(directory)]
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        file = Path(directory, "root", "vfs-containers", "containers.json")
        for entry in json.loads(file.read_text()):
            names += [f"libpod-{entry['id']}", f"libpod-conmon-{entry['id']}"]
    return names


def _remove_containers(api: Api, limit: float = 15) -> None:
    """Remove all containers by force: ended by SIGTERM, the engine would give each 10 seconds."""
    todo: queue.SimpleQueue[str] = queue.SimpleQueue()
    for container in api.json("GET", "/containers/json", all=1):
        todo.put(container["Id"])

    def work() -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                identifier = todo.get_nowait()
                with contextlib.suppress(OSError, LabError):
                    api.call("DELETE", f"/containers/{identifier}", force=1, v=1)

    end = time.monotonic() + limit
    threads = [threading.Thread(target=work, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0, end - time.monotonic()))
    with contextlib.suppress(OSError, LabError):
        api.call("POST", "/swarm/leave", force=1)
    # A network of someone's making is a device on the machine; nothing else would remove it.
    for network in api.json("GET", "/networks"):
        if network["Name"] not in ("none", "host", "bridge", "podman"):
            with contextlib.suppress(OSError, LabError):
                api.call("DELETE", f"/networks/{network['Id']}")


def _stop_engine(directory: str, grace: float = 10) -> None:
    """End the engine in good order, so that it unmounts what it mounted itself."""
    for program in ("dockerd", "podman"):
        found = proc.find(directory, ())
        chosen = [p for p in found if os.path.basename(p.command.split(" ")[0]) == program]
        for process in chosen:
            process.signal(signal.SIGTERM)
        end = time.monotonic() + grace
        for process in chosen:
            process.gone(end - time.monotonic())
        for process in found:
            process.close()


def _remove_strays(directory: str, groups: list[str]) -> None:
    """Remove what killed shims and a killed Podman leave outside of the directory, in /run."""
    for file in Path(directory, "run", "io.containerd.runtime.v2.task").glob("*/*/address"):
        with contextlib.suppress(OSError):
            path = file.read_text().removeprefix("unix://")
            if path.startswith("/run/containerd/s/"):
                os.unlink(path)
    for name in groups:
        if name.startswith("libpod-"):
            shutil.rmtree(Path("/run/runc", name.removeprefix("libpod-")), ignore_errors=True)


def _remove_directory(directory: str) -> None:
    # The state file goes last: after a crash in the middle, what is left is still known as ours.
    for entry in os.scandir(directory):
        if entry.is_dir(follow_symlinks=False):
            proc.remove_tree(entry.path)
        elif entry.name != STATE:
            os.unlink(entry.path)
    os.unlink(os.path.join(directory, STATE))
    os.rmdir(directory)
