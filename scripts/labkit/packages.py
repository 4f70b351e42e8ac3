"""Get engines from Debian: installed with apt, or unpacked beside the machine's own packages."""

import contextlib
import fcntl
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from labkit import LabError

POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_TEXT = "#!/bin/sh\n# lobtail lab: for the moment, packages start no service\nexit 101\n"
MIRROR = "http://deb.debian.org/debian"


def say(text: str) -> None:
    """Narrate on stderr; stdout carries the host only."""
    print(f"lab: {text}", file=sys.stderr, flush=True)


def os_release() -> dict[str, str]:
    """Return the fields of /etc/os-release."""
    try:
        text = platform.freedesktop_os_release()
    except OSError:
        return {}
    return dict(text)


def cache() -> Path:
    """Return the folder for what may be used again, made if need be."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    path = Path(base) / "lobtail-lab"
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    with open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def require_debian(packages: list[str]) -> None:
    """Raise unless packages can be installed here, with what a person should do instead."""
    wanted = " ".join(packages)
    if os_release().get("ID") != "debian" or not shutil.which("apt-get"):
        raise LabError(f"this is not Debian: install what its packages {wanted} provide, yourself")
    if os.geteuid() != 0:
        raise LabError(f"as root, first: apt-get install --no-install-recommends {wanted}")


def install(packages: dict[str, str]) -> None:
    """Install with apt those packages whose file (the value) is not there yet."""
    if not (missing := _missing(packages)):
        return
    require_debian(missing)
    with _exclusive(cache() / "apt.lock"):
        # Another `up` may have installed them while this one waited.
        if not (missing := _missing(packages)):
            return
        say(f"installing {', '.join(missing)} with apt")
        command = ["install", "-y", "--no-install-recommends", "--no-remove", *missing]
        with _no_services():
            if not _known(missing):
                _apt("update")
                _apt(*command)
            else:
                try:
                    _apt(*command)
                except LabError:  # The lists may name versions that the mirror no longer has.
                    _apt("update")
                    _apt(*command)
    if missing := _missing(packages):
        raise LabError(f"installed, but the files are not there: {', '.join(missing)}")


def _missing(packages: dict[str, str]) -> list[str]:
    return [name for name, file in packages.items() if not os.path.exists(file)]


def _known(packages: list[str]) -> bool:
    shown = subprocess.run(
        ["apt-cache", "show", "--no-all-versions", *packages],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return shown.returncode == 0


@contextlib.contextmanager
def _no_services() -> Iterator[None]:
    """Keep apt from starting the services that it installs; the caller holds the lock."""
    if POLICY.exists() and POLICY.read_text(errors="replace") != POLICY_TEXT:
        yield
        return
    # One with our own text was left by a crash: it goes with this one.
    POLICY.write_text(POLICY_TEXT)
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)


def _apt(*arguments: str, options: tuple[str, ...] = (), cwd: str | None = None) -> None:
    command = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"]
    for option in options:
        command += ["-o", option]
    command += arguments
    # In a session of its own: a Ctrl-C must not break dpkg off in the middle of a package.
    with subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as child:
        output = child.communicate()[0]
    if child.returncode:
        tail = "\n".join(f"  {line}" for line in output.splitlines()[-15:])
        raise LabError(f"{' '.join(command[:1] + list(arguments))} failed:\n{tail}")


def unpack(suite: str, packages: dict[str, str]) -> Path:
    """Return a folder with the packages of another Debian suite unpacked, from the cache if there.

    The values are files, relative to the folder, that must be in it.
    """
    architecture = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()
    folder = cache() / f"{suite}-{architecture}"
    if _complete(folder, packages):
        return folder
    require_debian(list(packages))
    with _exclusive(cache() / "unpack.lock"):
        if _complete(folder, packages):
            return folder
        say(f"downloading {', '.join(packages)} of {suite}")
        for stale in (folder, *cache().glob("part-*")):
            shutil.rmtree(stale, ignore_errors=True)
        part = Path(tempfile.mkdtemp(prefix="part-", dir=cache()))
        try:
            _download(suite, list(packages), part)
            # The name appears only with everything in it: who sees it need not take the lock.
            (part / "root").rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    if not _complete(folder, packages):
        raise LabError(f"{folder} lacks files that the packages of {suite} should have")
    return folder


def _complete(folder: Path, packages: dict[str, str]) -> bool:
    return all((folder / file).exists() for file in packages.values())


def _download(suite: str, packages: list[str], part: Path) -> None:
    for name in ("lists/partial", "cache/archives/partial", "debs", "root"):
        (part / name).mkdir(parents=True)
    (part / "suite.sources").write_text(foreign_source(suite, _sources()))
    options = (
        f"Dir::Etc::SourceList={part}/suite.sources",
        "Dir::Etc::SourceParts=/dev/null",
        "Dir::Etc::Preferences=/dev/null",
        "Dir::Etc::PreferencesParts=/dev/null",
        f"Dir::State::Lists={part}/lists",
        f"Dir::Cache={part}/cache",
        f"APT::Default-Release={suite}",
        "APT::Sandbox::User=root",  # _apt may not read the folders of root's cache
        "Acquire::Languages=none",
    )
    _apt("update", options=options)
    # With the suite, or apt looks for the version that is installed if that is the newer one.
    wanted = [f"{name}/{suite}" for name in packages]
    _apt("download", *wanted, options=options, cwd=str(part / "debs"))
    for deb in sorted((part / "debs").glob("*.deb")):
        subprocess.run(["dpkg", "-x", deb, part / "root"], check=True)


def _sources() -> list[str]:
    folder = Path("/etc/apt/sources.list.d")
    files = [*sorted(folder.glob("*.sources")), *sorted(folder.glob("*.list"))]
    files.append(Path("/etc/apt/sources.list"))
    return [file.read_text(errors="replace") for file in files if file.is_file()]


def foreign_source(suite: str, sources: list[str]) -> str:
    """Return a deb822 source for `suite` at the mirror and with the keys of the machine's own."""
    fields = {"URIs": MIRROR, "Signed-By": "/usr/share/keyrings/debian-archive-keyring.gpg"}
    for stanza in (s for text in sources for s in _stanzas(text)):
        # Other archives lack the suite; some vendors' have a path that ends so too, but no main.
        uris = [
            uri for uri in stanza.get("URIs", "").split() if uri.rstrip("/").endswith("/debian")
        ]
        if uris and "main" in stanza.get("Components", "").split():
            fields = {**fields, **stanza, "URIs": uris[0]}
            break
    fields |= {"Types": "deb", "Suites": suite, "Components": "main"}
    return "".join(f"{key}: {value}\n" for key, value in fields.items())


def _stanzas(text: str) -> Iterator[dict[str, str]]:
    """Yield the enabled sources of a deb822 file or of a one-line-style list, as deb822 fields."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for block in re.split(r"\n\s*\n", "\n".join(lines)):
        joined = re.sub(r"\n[ \t]+", "\n ", block)
        fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*(?:\n .*)*)", joined, re.MULTILINE))
        if "deb" in fields.get("Types", "").split() and fields.get("Enabled", "yes") != "no":
            # Of the rest only what tells how to reach and trust it.
            wanted = ("URIs", "Components", "Signed-By", "Trusted")
            yield {key: value for key, value in fields.items() if key in wanted}
    for line in lines:
        if match := re.match(r"deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+\S+\s+(.*)", line):
            options = dict(o.split("=", 1) for o in (match[1] or "").split() if "=" in o)
            names = {"signed-by": "Signed-By", "trusted": "Trusted"}
            trust = {names[key]: value for key, value in options.items() if key in names}
            yield {"URIs": match[2], "Components": match[3], **trust}
