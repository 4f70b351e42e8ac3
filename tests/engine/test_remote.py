"""Engines that are reached by TLS, by ssh and by docker's contexts: the bytes that docker shows."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from faults.command import line_of
from faults.process import runs
from support.engines import LOBTAIL, WAIT, Result, finish, until
from support.remote import Far

SCRIPT = "echo one; echo two >&2; seq 2000; printf 'no newline'"


def container(far: Far) -> str:
    return far.engine.ended("remote", SCRIPT)


def assert_as_docker(far: Far, *flags: str, env: dict[str, str] | None = None) -> None:
    """Show a log with both, reached the same way."""
    args = (*flags, "logs", "-t", container(far))
    docker, lobtail = [far.popen(kind, *args, env=env) for kind in ("docker", "lobtail")]
    expected = Result(*docker.communicate(), docker.returncode)
    assert Result(*lobtail.communicate(), lobtail.returncode) == expected
    assert expected.code == 0
    assert expected.stdout.count(b"\n") >= 2001
    assert expected.stderr.count(b"\n") == 1


# The engine's alert may get lost, for it ends the connection with our request unread.
REFUSED = r"the engine refuses us \(|it ended the connection unanswered; does it trust our "

# --- TLS -----------------------------------------------------------------------------------------


def test_tls_by_the_environment(far: Far) -> None:
    folder = str(far.folder / "tls")
    env = {"DOCKER_HOST": far.tls, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": folder}
    assert_as_docker(far, env=env)
    # Not verified, but the engine wants our certificate all the same.
    assert_as_docker(far, env={**env, "DOCKER_TLS_VERIFY": "", "DOCKER_TLS": "1"})


def test_tls_by_flags(far: Far) -> None:
    assert_as_docker(far, "-H", far.tls, "--tlsverify", *far.certificates)
    assert_as_docker(far, "-H", far.tls, "--tlsverify=false", *far.certificates)


def test_tls_by_a_context(far: Far) -> None:
    folder = far.folder / "tls"
    files = [f"{name}={folder}/{name}.pem" for name in ("ca", "cert", "key")]
    far.context("secure", f"host={far.tls}", *files)
    assert_as_docker(far, "--context", "secure")
    far.context("careless", f"host={far.tls}", "skip-tls-verify=true", *files[1:])
    assert_as_docker(far, env={"DOCKER_CONTEXT": "careless"})


def test_tls_is_followed_to_the_end(far: Far) -> None:
    name = far.engine.start(f"seq 100; {WAIT}; seq 50000; echo end")
    flags = ("-H", far.tls, "--tlsverify", *far.certificates)
    process = far.popen("lobtail", *flags, "logs", "-f", name)
    assert process.stdout is not None
    lines = [process.stdout.readline()]
    far.engine.go(name)
    lines += process.stdout.readlines()
    assert finish(process) == Result(b"", b"", 0)
    expected = [*map(str, range(1, 101)), *map(str, range(1, 50_001)), "end"]
    assert b"".join(lines).decode().split() == expected


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("--tlsverify {ca} --tlscert={wrong}/cert.pem --tlskey={wrong}/key.pem", REFUSED),
        ("--tlsverify {ca}", REFUSED),
        ("--tlsverify --tlscacert={wrong}/ca.pem", "the engine's certificate is not trusted: ."),
        ("", "it speaks TLS; use --tlsverify or DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH"),
    ],
)
def test_row_8_certificates_that_will_not_do(
    far: Far, tmp_path: Path, flags: str, words: str
) -> None:
    code = "import sys; sys.path[0] = sys.argv[1]; import labkit.remote as r; "
    code += "r.tls_options(sys.argv[2])"
    scripts = Path(__file__).parents[2] / "scripts"
    subprocess.run([sys.executable, "-c", code, str(scripts), str(tmp_path)], check=True)
    ca = far.certificates[0]
    given = flags.format(ca=ca, wrong=tmp_path / "remote" / "tls").split()
    line = line_of(far.run("lobtail", "-H", far.tls, *given, "logs", "web"))
    start = f"lobtail: cannot connect to the engine at {far.tls} (--host): "
    assert line.startswith(start)
    assert re.match(words, line.removeprefix(start)), line


# --- ssh -----------------------------------------------------------------------------------------


def test_ssh_as_docker(far: Far) -> None:
    assert_as_docker(far, "-H", far.ssh)
    assert_as_docker(far, env={"DOCKER_HOST": far.ssh})
    far.context("far", f"host={far.ssh}")
    assert_as_docker(far, "-c", "far")


def test_ssh_to_a_socket_at_a_path(far: Far) -> None:
    # Docker's CLI of Debian 12 does not know paths: the bytes are compared to the socket's own.
    path = far.engine.host.removeprefix("unix://")
    expected = far.engine.run("docker", "logs", container(far))
    assert far.run("lobtail", "-H", far.ssh + path, "logs", container(far)) == expected
    host = f"{far.ssh}/none.sock"
    line = line_of(far.run("lobtail", "-H", host, "logs", "web"))
    assert line.startswith(f"lobtail: cannot connect to the engine at {host} (--host): ")
    assert "dial unix /none.sock: connect: no such file or directory" in line


def test_podman_at_the_far_end(far_podman: Far) -> None:
    far = far_podman
    expected = far.engine.run("docker", "logs", "-t", container(far))
    assert expected.stdout.count(b"\n") >= 2000
    path = far.engine.host.removeprefix("unix://")
    for host in (far.ssh, far.ssh + path):
        assert far.run("lobtail", "-H", host, "logs", "-t", container(far)) == expected


def test_ssh_is_refused_as_the_engine_refuses(far: Far) -> None:
    result = far.run("lobtail", "-H", far.ssh, "logs", "none")
    assert result == Result(b"", b"Error response from daemon: No such container: none\n", 1)


def test_much_through_ssh(far: Far) -> None:
    name = far.engine.ended("much", "seq 100000")
    result = far.run("lobtail", "-H", far.ssh, "logs", name)
    assert (result.stderr, result.code) == (b"", 0)
    assert result == far.engine.run("docker", "logs", name)


def settings(far: Far, folder: Path, *lines: str) -> dict[str, str]:
    """Return an environment whose ssh has other settings before the lab's."""
    program = folder / "ssh"
    options = " ".join(f"-o '{line}'" for line in lines)
    program.write_text(f'#!/bin/sh\nexec {far.folder}/ssh/bin/ssh {options} "$@"\n')
    program.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.mark.parametrize(
    ("lines", "host", "words"),
    [
        (
            ("UserKnownHostsFile={known}",),
            "",
            r"Host key verification failed: Host key for \[127.0.0.1\]:\d+ has changed and ",
        ),
        (
            ("UserKnownHostsFile=/dev/null",),
            "",
            "Host key verification failed: No .* host key is known for ",
        ),
        (("PubkeyAuthentication=no",), "", r"\S+: Permission denied \("),
        (
            (),
            "ssh://127.0.0.1:1",
            "ssh: connect to host 127.0.0.1 port 1: Connection refused$",
        ),
    ],
    ids=["changed key", "unknown key", "refused", "closed"],
)
def test_row_8_ssh_that_fails(
    far: Far, tmp_path: Path, lines: tuple[str, ...], host: str, words: str
) -> None:
    host = host or far.ssh
    known = tmp_path / "known"
    key = (far.folder / "ssh" / "id.pub").read_text()
    known.write_text(f"[127.0.0.1]:{host.rpartition(':')[2]} {key}")
    env = settings(far, tmp_path, *(line.format(known=known) for line in lines))
    line = line_of(far.run("lobtail", "-H", host, "logs", "web", env=env))
    start = f"lobtail: cannot connect to the engine at {host} (--host): "
    assert line.startswith(start)
    assert re.match(words, line.removeprefix(start)), line


def children(pid: int) -> list[int]:
    """Return the processes that a process has started, also those that it has not reaped."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return list(map(int, text.split()))


def test_ssh_that_is_killed_is_started_again(far: Far) -> None:
    script = f"seq 100; {WAIT}; rm /go; seq 101 200; {WAIT}; seq 201 300; sleep 1000"
    name = far.engine.start(script)
    args = ("tail", "-n", "all", "-o", "json", name)
    process = far.popen("lobtail", "-H", far.ssh, *args)
    try:
        assert process.stdout is not None
        items = [json.loads(process.stdout.readline()) for _ in range(100)]
        far.engine.go(name)
        items += [json.loads(process.stdout.readline()) for _ in range(100)]
        started = children(process.pid)
        assert started
        for child in started:
            os.kill(child, signal.SIGKILL)
        far.engine.go(name)
        while items[-1].get("line") != "300":
            items.append(json.loads(process.stdout.readline()))
        until(lambda: not set(children(process.pid)) & set(started), "those are reaped")
        started = children(process.pid)
        process.send_signal(signal.SIGINT)
        finish(process)
    finally:
        process.kill()
    assert process.returncode == 130
    lines = [item["line"] for item in items if "line" in item]
    assert lines == list(map(str, range(1, 301)))
    assert {item["mark"] for item in items if "mark" in item} == {"resumed"}
    until(lambda: not any(map(runs, started)), "ssh has ended")


def encrypted_key(far: Far, folder: Path) -> dict[str, str]:
    """Return an environment whose ssh has to ask for a passphrase."""
    key = folder / "key"
    key.write_bytes((far.folder / "ssh" / "id").read_bytes())
    key.chmod(0o600)
    keygen = ["ssh-keygen", "-q", "-p", "-f", str(key), "-P", "", "-N", "a secret"]
    subprocess.run(keygen, check=True, capture_output=True)
    config = (far.folder / "ssh" / "config").read_text()
    (folder / "config").write_text(config.replace(f"{far.folder}/ssh/id", str(key)))
    program = folder / "ssh"
    program.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {folder}/config "$@"\n')
    program.chmod(0o755)
    return far.environment({"PATH": f"{folder}:{os.environ['PATH']}"})


def at_terminal(env: dict[str, str], *args: str) -> tuple[int, int]:
    """Start lobtail on a terminal of its own; return its process and the terminal's other side."""
    pid, master = pty.fork()
    if not pid:
        os.execve(sys.executable, [*LOBTAIL, *args], env)
    return pid, master


def read_until(master: int, wanted: bytes) -> bytes:
    shown = b""
    while wanted not in shown:
        try:
            data = os.read(master, 4096)
        except OSError:  # EIO: nobody holds the other side any more
            data = b""
        assert data, shown
        shown += data
    return shown


def test_ssh_asks_for_a_passphrase_at_the_terminal(far: Far, tmp_path: Path) -> None:
    env = encrypted_key(far, tmp_path)
    args = ("-H", far.ssh, "logs", "-n", "2", container(far))
    pid, master = at_terminal(env, *args)
    try:
        read_until(master, b"Enter passphrase for key ")
        os.write(master, b"a secret\n")
        shown = read_until(master, b"no newline")
        # The line of stderr may be stored as the last but one: the engine knows.
        last = far.engine.run("docker", "logs", "-n", "2", container(far))
        for line in (*last.stdout.splitlines(), *last.stderr.splitlines()):
            assert b"\r\n" + line in shown
        assert b"secret" not in shown
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    finally:
        os.close(master)


def test_ctrl_c_where_ssh_asks(far: Far, tmp_path: Path) -> None:
    env = encrypted_key(far, tmp_path)
    pid, master = at_terminal(env, "-H", far.ssh, "logs", container(far))
    try:
        read_until(master, b"Enter passphrase for key ")
        started = children(pid)
        assert started
        os.write(master, b"\x03")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130
        until(lambda: not any(map(runs, started)), "ssh's end")
    finally:
        os.close(master)
