"""Tell whose a process, a mount or a cgroup is, and end what belongs to one lab directory.

Nothing is ever ended by name. A process belongs to a directory when

- its environment carries our mark with that directory: the engine inherits it from `up` and
  hands it on to containerd, to the shims and to conmon; or
- it is an engine's program with a path inside the directory among its arguments (an engine that
  someone restarted by hand); or
- it is an sshd, or one's session, whose settings are in the directory: they write their titles
  over what they were started with; or
- it is in a cgroup of the directory's containers.

Clients (`docker -H unix://D/…`, an editor on a log file) fit none of these and are left alone.
"""

import ctypes
import os
import re
import select
import shutil
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARK = "LOBTAIL_LAB_DIR"
PROGRAMS = {"dockerd", "containerd", "containerd-shim-runc-v2", "docker-proxy", "docker-init"}
PROGRAMS |= {"podman", "conmon", "runc"}
CGROUPS = Path("/sys/fs/cgroup")
MNT_DETACH = 2


@dataclass(frozen=True)
class Process:
    """A process, held by a pidfd so that no other can take its number."""

    pid: int
    fd: int
    command: str

    def signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.fd, number)

    def gone(self, timeout: float) -> bool:
        return wait_fd(self.fd, timeout)

    def close(self) -> None:
        os.close(self.fd)


def wait_fd(fd: int, timeout: float | None) -> bool:
    """Wait until a pidfd's process has ended; tell whether it has."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(None if timeout is None else max(0, timeout) * 1000))


def start_time(pid: int) -> str | None:
    """Return a process's start, in ticks since boot: with the pid it names one process for good."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[19]


def until(condition: Callable[[], bool], timeout: float, interval: float = 0.05) -> bool:
    """Poll a condition; tell whether it came true in time."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(interval)
    return True


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _parent(pid: int) -> int:
    fields = _read(f"/proc/{pid}/stat").decode(errors="replace").rpartition(")")[2].split()
    return int(fields[1]) if len(fields) > 1 else 0


def belongs(pid: int, directory: str, groups: Iterable[str]) -> bool:
    """Tell whether a process is proven to belong to a lab directory."""
    mark = f"{MARK}={directory}".encode()
    if mark in _read(f"/proc/{pid}/environ").split(b"\0"):
        return True
    title = _read(f"/proc/{pid}/cmdline")
    arguments = title.split(b"\0")
    inside = re.compile(re.escape(directory.encode()) + rb"(/|$)")
    if title.startswith(b"sshd: "):
        titles = title + b" " + _read(f"/proc/{_parent(pid)}/cmdline")
        if any(inside.match(word) for word in re.split(rb"[\s\0]", titles)):
            return True
    if os.path.basename(arguments[0]).decode(errors="replace") in PROGRAMS and any(
        inside.search(argument) for argument in arguments[1:]
    ):
        return True
    paths = _read(f"/proc/{pid}/cgroup").decode(errors="replace").replace("\n", "/").split("/")
    return not set(groups).isdisjoint(paths)


def find(directory: str, groups: Iterable[str]) -> list[Process]:
    """Return the processes of a lab directory; the caller closes them."""
    groups = tuple(groups)
    found = []
    for name in os.listdir("/proc"):
        if not name.isdecimal() or int(name) == os.getpid():
            continue
        try:
            fd = os.pidfd_open(int(name))
        except OSError:
            continue
        # The proof is read while the pidfd is held: it cannot be about another process.
        if belongs(int(name), directory, groups) and not wait_fd(fd, 0):
            command = _read(f"/proc/{name}/cmdline").replace(b"\0", b" ")
            found.append(Process(int(name), fd, command.decode(errors="replace").strip()))
        else:
            os.close(fd)
    return found


def end_all(directory: str, groups: Iterable[str], timeout: float = 10) -> list[str]:
    """Kill every process of a directory until there is none; return those that do not die."""
    groups = tuple(groups)
    end = time.monotonic() + timeout
    while True:
        # A frozen (paused) process does not see SIGKILL before it is thawed.
        thaw(groups)
        alive = find(directory, groups)
        for process in alive:
            process.signal(signal.SIGKILL)
        for process in alive:
            process.gone(min(2, end - time.monotonic()))
        for process in alive:
            process.close()
        if not alive:
            return []
        if time.monotonic() > end:
            return [f"{process.pid} ({process.command})" for process in alive]


def cgroup_folders(groups: Iterable[str]) -> list[Path]:
    """Return the cgroups named in `groups` and all below them, deepest first."""
    groups = set(groups)
    folders = [Path(base, name) for base, names, _ in os.walk(CGROUPS) for name in names]
    found = [folder for folder in folders if not groups.isdisjoint(folder.parts)]
    return sorted(found, key=lambda path: len(path.parts), reverse=True)


def thaw(groups: Iterable[str]) -> None:
    """Let frozen containers run again."""
    for folder in cgroup_folders(groups):
        for file, running in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
            with suppress(OSError):
                if (folder / file).exists():
                    (folder / file).write_text(running)


def remove_cgroups(groups: Iterable[str]) -> None:
    """Remove the containers' cgroups; the kernel takes a moment to see that they are empty."""

    def removed() -> bool:
        for folder in cgroup_folders(groups):
            with suppress(OSError):
                folder.rmdir()
        return not cgroup_folders(groups)

    until(removed, 3)


def mounts(directory: str) -> list[str]:
    """Return the mount points at or below a directory, deepest first."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines():
        point = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), line.split()[4])
        if point == directory or point.startswith(directory + "/"):
            found.append(point)
    return found[::-1]


def overlays(directory: str) -> bool:
    """Tell whether a folder's file system can bear the layers of an overlay."""
    trial = Path(directory, "overlay")
    lower, upper, work, merged = (trial / name for name in ("lower", "upper", "work", "merged"))
    for path in (lower, upper, work, merged):
        path.mkdir(parents=True)
    options = f"lowerdir={lower},upperdir={upper},workdir={work}".encode()
    failed = ctypes.CDLL(None).mount(b"overlay", os.fsencode(merged), b"overlay", 0, options)
    unmount(str(merged))
    shutil.rmtree(trial)
    return not failed


def unmount_file(path: str) -> None:
    """Unmount and remove a file on which something is mounted."""
    ctypes.CDLL(None).umount2(os.fsencode(path), MNT_DETACH)
    with suppress(OSError):
        os.unlink(path)


def unmount(directory: str) -> list[str]:
    """Unmount all at or below a directory; return what resists."""
    libc = ctypes.CDLL(None)
    # Mounts lie on top of each other: one pass may uncover more.
    for _ in range(20):
        if not (points := mounts(directory)):
            break
        for point in points:
            libc.umount2(os.fsencode(point), MNT_DETACH)
    return mounts(directory)


def network_namespaces(processes: Iterable[Process]) -> list[str]:
    """Return the mounts under /run/netns that hold the processes' own network namespaces.

    CNI makes them there, and takes them away when the engine ends in good order only.
    """
    own = os.stat("/proc/self/ns/net").st_ino
    inodes = set()
    for process in processes:
        with suppress(OSError):
            inodes.add(os.stat(f"/proc/{process.pid}/ns/net").st_ino)
    inodes.discard(own)
    files = [str(path) for path in Path("/run/netns").glob("netns-*")]
    return [file for file in files if os.stat(file).st_ino in inodes]


def remove_tree(directory: str) -> None:
    """Remove a directory; the caller has made sure that nothing is mounted in it."""
    shutil.rmtree(directory, onerror=_ignore_missing)


def _ignore_missing(_: object, __: str, info: tuple[type, BaseException, object]) -> None:
    if not isinstance(info[1], FileNotFoundError):
        raise info[1]
