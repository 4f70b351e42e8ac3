"""Reach an engine of the lab as if it were far: by TLS with certificates, and by ssh.

What a client needs is in D/remote::

    tls/host               tcp://127.0.0.1:PORT
    tls/{ca,cert,key}.pem  for DOCKER_CERT_PATH
    ssh/host               ssh://USER@127.0.0.1:PORT
    ssh/config             for `ssh -F`: a key, and the key of the host
    ssh/bin/ssh            an ssh that reads it, for the front of PATH: ssh looks for its files in
                           the home that the password file names, whatever HOME says
"""

import getpass
import os
import socket
import subprocess
from pathlib import Path

from labkit import packages

SSH = {
    "openssh-server": "/usr/sbin/sshd",
    "openssh-client": "/usr/bin/ssh",
}
OPENSSL = {"openssl": "/usr/bin/openssl"}
_FOR = "extendedKeyUsage"
_EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def tls_options(directory: str) -> list[str]:
    """Make certificates; return dockerd's options for a listener that asks for one of them."""
    packages.install(OPENSSL)
    folder = Path(directory, "remote", "tls")
    server = folder / "server"
    server.mkdir(parents=True)
    to = ["-keyout", server / "ca-key.pem", "-out", folder / "ca.pem"]
    _openssl("req", "-x509", *_EC, *to, "-subj", "/CN=lobtail-lab")
    _sign(folder, server, ["subjectAltName=IP:127.0.0.1,DNS:localhost", f"{_FOR}=serverAuth"])
    _sign(folder, folder, [f"{_FOR}=clientAuth"])
    address = f"tcp://127.0.0.1:{_free_port()}"
    (folder / "host").write_text(address)
    return [
        f"--host={address}",
        "--tlsverify",
        f"--tlscacert={folder}/ca.pem",
        f"--tlscert={server}/cert.pem",
        f"--tlskey={server}/key.pem",
    ]


def _sign(authority: Path, folder: Path, extensions: list[str]) -> None:
    request, purpose = folder / "request", folder / "purpose"
    purpose.write_text("".join(f"{line}\n" for line in extensions))
    to = ["-keyout", folder / "key.pem", "-out", request]
    _openssl("req", *_EC, *to, "-subj", "/CN=lobtail-lab-end")
    by = ["-CA", authority / "ca.pem", "-CAkey", authority / "server" / "ca-key.pem"]
    to = ["-CAcreateserial", "-extfile", purpose, "-out", folder / "cert.pem"]
    _openssl("x509", "-req", "-in", request, *by, *to)


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def sshd(directory: str, environment: dict[str, str]) -> list[str]:
    """Make keys and settings; return the command of an sshd whose sessions have `environment`."""
    packages.install(SSH)
    os.makedirs("/run/sshd", mode=0o755, exist_ok=True)  # the service would make it at its start
    folder = Path(directory, "remote", "ssh")
    (folder / "bin").mkdir(parents=True)
    for name in ("id", "host_key"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True, capture_output=True)
    port, user = _free_port(), getpass.getuser()
    (folder / "host").write_text(f"ssh://{user}@127.0.0.1:{port}")
    public = (folder / "host_key.pub").read_text()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {public}")
    (folder / "config").write_text(
        f"Host *\n  IdentityFile {folder}/id\n  IdentitiesOnly yes\n  IdentityAgent none\n"
        f"  UserKnownHostsFile {folder}/known_hosts\n  GlobalKnownHostsFile none\n"
        "  StrictHostKeyChecking yes\n"
    )
    client = folder / "bin" / "ssh"
    client.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {folder}/config "$@"\n')
    client.chmod(0o755)
    variables = " ".join(f'"{key}={value}"' for key, value in environment.items())
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host_key\nPidFile none\n"
        # The folder's parents may be anybody's, as /tmp.
        f"AuthorizedKeysFile {folder}/id.pub\nStrictModes no\nPermitRootLogin prohibit-password\n"
        f"PasswordAuthentication no\nUsePAM no\nPrintMotd no\nSetEnv {variables}\n"
    )
    return ["/usr/sbin/sshd", "-D", "-e", "-f", f"{folder}/sshd_config"]
