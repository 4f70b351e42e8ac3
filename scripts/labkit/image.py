"""Make the test image: Debian's static busybox, a link for each applet, and nothing else."""

import io
import os
import struct
import subprocess
import tarfile

from labkit import LabError
from labkit.api import Api

IMAGE = "lobtail-test:latest"
PT_INTERP = 3
PLACES = ("/bin/busybox", "/usr/bin/busybox")

# What the tests and the demo use; an applet missing here would show only deep inside a container.
NEEDED = {
    "cat",
    "cut",
    "date",
    "dd",
    "echo",
    "env",
    "false",
    "grep",
    "head",
    "kill",
    "ls",
    "mkdir",
    "mkfifo",
    "nc",
    "printf",
    "rm",
    "sed",
    "seq",
    "sh",
    "sleep",
    "stty",
    "tail",
    "tr",
    "true",
    "usleep",
    "wc",
    "yes",
    "awk",
}


def busybox() -> str | None:
    """Return the path of a busybox that needs no shared library, if there is one."""
    for path in PLACES:
        if os.path.exists(path) and _is_static(path):
            return path
    return None


def _is_static(path: str) -> bool:
    """Tell an executable without an interpreter: ELF program headers, none of them PT_INTERP."""
    with open(path, "rb") as file:
        head = file.read(4096)
    if head[:4] != b"\x7fELF":
        return False
    order = "<" if head[5] == 1 else ">"
    wide = head[4] == 2
    (table,) = struct.unpack_from(order + ("Q" if wide else "I"), head, 32 if wide else 28)
    size, count = struct.unpack_from(order + "HH", head, 54 if wide else 42)
    starts = range(table, table + size * count, size)
    return all(struct.unpack_from(order + "I", head, at)[0] != PT_INTERP for at in starts)


def tarball(path: str) -> bytes:
    """Return the image's root file system; the same bytes for the same busybox."""
    applets = set(subprocess.check_output([path, "--list"], text=True).split())
    if missing := NEEDED - applets:
        raise LabError(f"{path} has no {', '.join(sorted(missing))}")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for folder, mode in (("bin", 0o755), ("etc", 0o755), ("root", 0o700), ("tmp", 0o1777)):
            tar.addfile(_entry(folder, tarfile.DIRTYPE, mode))
        with open(path, "rb") as file:
            data = file.read()
        _add(tar, "bin/busybox", data, 0o755)
        _add(tar, "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n", 0o644)
        _add(tar, "etc/group", b"root:x:0:\n", 0o644)
        for applet in sorted(applets - {"busybox"}):
            entry = _entry(f"bin/{applet}", tarfile.SYMTYPE, 0o777)
            entry.linkname = "busybox"
            tar.addfile(entry)
    return out.getvalue()


def _entry(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type = kind
    entry.mode = mode
    return entry


def _add(tar: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    entry = _entry(name, tarfile.REGTYPE, mode)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))


def import_image(api: Api, path: str, name: str = IMAGE) -> None:
    """Give the engine the test image under `name`."""
    repo, _, tag = name.partition(":")
    api.progress(
        "/images/create", tarball(path), fromSrc="-", repo=repo, tag=tag, changes='CMD ["sh"]'
    )
