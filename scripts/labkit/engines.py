"""The engines: what each needs, its command line, its settings."""

import contextlib
import hashlib
import json
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from socket import create_connection

from labkit import LabError, packages, proc
from labkit.remote import sshd, tls_options

DOCKER = {
    "docker.io": "usr/sbin/dockerd",
    "containerd": "usr/bin/containerd",
}
# runc and iptables come with docker.io; dockerd looks for iptables even when told not to use it.
NATIVE_DOCKER = {"docker.io": "/usr/sbin/dockerd", "busybox-static": "/bin/busybox"}
PODMAN = {"podman": "/usr/bin/podman", "runc": "/usr/sbin/runc", "busybox-static": "/bin/busybox"}
SUITES = ("bookworm", "trixie", "podman")
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Daemon:
    """A process to start and what tells that it is ready."""

    name: str
    command: list[str]
    ready: Callable[[], bool]
    environment: dict[str, str] = field(default_factory=dict)


def socket(directory: str) -> str:
    """Return the path of the engine's socket in a lab directory."""
    return f"{directory}/docker.sock"


def group(directory: str) -> str:
    """Return the name of the cgroup that holds a directory's containers: unique to it."""
    return f"lobtail-lab-{hashlib.sha256(directory.encode()).hexdigest()[:16]}"


def prepare(
    suite: str, directory: str, answers: Callable[[], bool], *, remote: bool
) -> list[Daemon]:
    """Install what the suite needs, write its settings, return what to start, in order."""
    if suite == "podman":
        daemons = _podman(directory, answers)
        client = {"CONTAINER_HOST": f"unix://{socket(directory)}", "PATH": f"{directory}/far"}
    else:
        tls = tls_options(directory) if remote else []
        daemons = _docker(suite, directory, answers, tls)
        client = {"DOCKER_HOST": f"unix://{socket(directory)}", "PATH": f"{directory}/far"}
    if remote:
        # At the far end there is this client, and no other.
        program = "podman" if suite == "podman" else "docker"
        Path(directory, "far").mkdir()
        Path(directory, "far", program).symlink_to(shutil.which(program) or f"/usr/bin/{program}")
        client[proc.MARK] = directory
        daemons.append(Daemon("sshd", sshd(directory, client), lambda: _listens(directory)))
    return daemons


def _listens(directory: str) -> bool:
    """Tell whether sshd takes connections."""
    port = int(Path(directory, "remote", "ssh", "host").read_text().rpartition(":")[2])
    with contextlib.suppress(OSError), create_connection(("127.0.0.1", port)):
        return True
    return False


def _docker(
    suite: str, directory: str, answers: Callable[[], bool], more: list[str]
) -> list[Daemon]:
    packages.install(NATIVE_DOCKER)
    path = SYSTEM_PATH
    dockerd, containerd = "/usr/sbin/dockerd", "/usr/bin/containerd"
    if packages.os_release().get("VERSION_CODENAME") != suite:
        # Beside the machine's own: only its runc and iptables are shared.
        root = packages.unpack(suite, DOCKER)
        path = f"{root}/usr/sbin:{root}/usr/bin:{SYSTEM_PATH}"
        dockerd, containerd = f"{root}/usr/sbin/dockerd", f"{root}/usr/bin/containerd"
    settings = Path(directory, "containerd.toml")
    address = f"{directory}/containerd.sock"
    settings.write_text(
        "version = 2\n"
        f'root = "{directory}/containerd"\n'
        f'state = "{directory}/run"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        f'[grpc]\naddress = "{address}"\n'
        f'[plugins."io.containerd.internal.v1.opt"]\npath = "{directory}/opt"\n'
    )
    # A file of our own, or dockerd reads the machine's /etc/docker/daemon.json.
    Path(directory, "daemon.json").write_text("{}\n")
    return [
        # Left to itself dockerd shares a containerd that runs on the machine, and with it the
        # namespace in which another dockerd keeps its containers.
        Daemon(
            "containerd",
            [containerd, "--config", str(settings)],
            lambda: os.path.exists(address),
            {"PATH": path},
        ),
        Daemon(
            "dockerd",
            [
                dockerd,
                f"--config-file={directory}/daemon.json",
                f"--data-root={directory}/data",
                f"--exec-root={directory}/exec",
                f"--pidfile={directory}/dockerd.pid",
                f"--host=unix://{socket(directory)}",
                f"--group={os.getgid()}",
                f"--containerd={address}",
                f"--cgroup-parent=/{group(directory)}",
                "--exec-opt=native.cgroupdriver=cgroupfs",
                # Layers that are mounted cost a third less than copied ones for each container.
                f"--storage-driver={'overlay2' if proc.overlays(directory) else 'vfs'}",
                "--iptables=false",
                "--ip6tables=false",
                "--bridge=none",
                *more,
            ],
            answers,
            # A service's image is looked for in a registry, even if it is here.
            {"PATH": path, "DOCKER_SERVICE_PREFER_OFFLINE_IMAGE": "1"},
        ),
    ]


def _podman(directory: str, answers: Callable[[], bool]) -> list[Daemon]:
    packages.install(PODMAN)
    settings = {
        "containers.conf": (
            "[containers]\n"
            'default_ulimits = ["nofile=4096:4096", "nproc=1000:1000"]\n'
            'log_driver = "k8s-file"\n'
            'netns = "none"\n'
            "[engine]\n"
            'runtime = "runc"\n'
            'cgroup_manager = "cgroupfs"\n'
            # The other kind is one piece of shared memory for all of a machine's Podmans.
            'lock_type = "file"\n'
            'events_logger = "file"\n'
            f'tmp_dir = "{directory}/tmp"\n'
            "[network]\n"
            f'network_config_dir = "{directory}/networks"\n'
        ),
        "storage.conf": (
            "[storage]\n"
            'driver = "vfs"\n'
            f'graphroot = "{directory}/root"\n'
            f'runroot = "{directory}/run"\n'
        ),
        # A short name is the local image, and nothing is looked for elsewhere.
        # A registry on loopback needs no TLS, as with Docker.
        "registries.conf": (
            'unqualified-search-registries = []\nshort-name-mode = "permissive"\n'
            '[[registry]]\nlocation = "127.0.0.1"\ninsecure = true\n'
        ),
        "policy.json": json.dumps({"default": [{"type": "insecureAcceptAnything"}]}) + "\n",
    }
    for name, text in settings.items():
        Path(directory, name).write_text(text)
    environment = {
        "PATH": SYSTEM_PATH,
        "HOME": directory,
        "TMPDIR": f"{directory}/tmp",
        "CONTAINERS_CONF": f"{directory}/containers.conf",
        "CONTAINERS_STORAGE_CONF": f"{directory}/storage.conf",
        "CONTAINERS_REGISTRIES_CONF": f"{directory}/registries.conf",
    }
    for name in ("tmp", "networks"):
        Path(directory, name).mkdir(exist_ok=True)
    # The API gives each container that asks for nothing the default network. Ours is a loopback: a
    # bridge would be a device, and rules in iptables, on the machine.
    loopback = {"cniVersion": "0.4.0", "name": "podman", "plugins": [{"type": "loopback"}]}
    Path(directory, "networks", "podman.conflist").write_text(json.dumps(loopback))
    command = [
        "/usr/bin/podman",
        f"--root={directory}/root",
        f"--runroot={directory}/run",
        f"--tmpdir={directory}/tmp",
        "--storage-driver=vfs",
        "--cgroup-manager=cgroupfs",
        "--events-backend=file",
        "system",
        "service",
        "--time=0",
        f"unix://{socket(directory)}",
    ]
    return [Daemon("podman", command, answers, environment)]


def check_platform() -> None:
    """Raise where no engine of ours can run."""
    if platform.system() != "Linux":
        raise LabError("private engines need Linux")
    if os.geteuid() != 0:
        raise LabError("private engines need root")
