"""Completion in real shells: what is typed, a Tab, and what stands there then."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.engines import LAB, LOBTAIL, TestEngine, docker_cli

# Ctrl-G shows the line, and empties it.
RC = {
    "bash": """
        PS1=; bind 'set bell-style none'
        show() { printf '\\n<<%s>>\\n' "$READLINE_LINE"; READLINE_LINE=; }
        bind -x '"\\C-g": show'
        source <(lobtail completion bash)
        echo READY
    """,
    "zsh": """
        PS1=; unsetopt beep; autoload -Uz compinit; compinit -u -d $ZDOTDIR/dump
        show() { zle -I; print -r -- "<<$BUFFER>>"; BUFFER= }
        zle -N show; bindkey '^G' show
        source <(lobtail completion zsh)
        print READY
    """,
    "fish": """
        function fish_prompt; end
        function fish_greeting; end
        function show; printf '\\n<<%s>>\\n' (commandline); commandline ''; end
        bind \\cg show
        lobtail completion fish | source
        echo READY
    """,
}
START = {
    "bash": lambda home: ["bash", "--noprofile", "--rcfile", f"{home}/rc", "-i"],
    "zsh": lambda home: ["zsh", "-d", "-i"],
    "fish": lambda home: ["fish", "--no-config", "--private", "-i", "-C", f"source {home}/rc"],
}


@pytest.fixture(scope="module", autouse=True)
def shells() -> None:
    """Have scripts/lab install what is missing."""
    subprocess.run([sys.executable, str(LAB), "tools"], check=True)


@pytest.fixture(scope="module")
def prefix(one_engine: TestEngine) -> str:
    """Return what the names of this module's containers begin with."""
    prefix = f"c{uuid.uuid4().hex[:6]}"
    for name, *labels in (
        ("web-1", f"--label={prefix}=a b", "--label=com.docker.compose.project=" + prefix),
        ("db-1", f"--label={prefix}=a c"),
        ("db-2",),
    ):
        one_engine.start("sleep 600", *labels, name=f"{prefix}-{name}")
    return prefix


class Shell:
    """A shell on a terminal."""

    def __init__(self, kind: str, home: Path, env: dict[str, str]) -> None:
        self.home = home
        (home / "rc").write_text(RC[kind])
        (home / ".zshrc").write_text(RC[kind])
        path = shutil.which(kind)
        assert path
        self._pid, self._terminal = pty.fork()
        if not self._pid:
            os.execve(path, START[kind](home), env)
        self._shown = b""
        self._until(re.compile(rb"READY\r?\n"))

    def complete(self, text: str, tabs: int = 1) -> str:
        """Type `text` and Tab; return what stands there then."""
        os.write(self._terminal, text.encode() + b"\t" * tabs + b"\x07")
        return self._until(re.compile(rb"<<(.*?)>>\r?\n", re.DOTALL))[1].decode()

    def _until(self, pattern: re.Pattern[bytes]) -> re.Match[bytes]:
        while not (found := pattern.search(self._shown)):
            self._shown += os.read(self._terminal, 65536)
        self._shown = self._shown[found.end() :]
        return found

    def close(self) -> None:
        os.close(self._terminal)  # a hang-up, at which shells end
        os.waitpid(self._pid, 0)


@pytest.fixture(scope="module", params=list(RC))
def shell(
    request: pytest.FixtureRequest, one_engine: TestEngine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shell]:
    home = tmp_path_factory.mktemp(request.param)
    bin_ = home / "bin"
    bin_.mkdir()
    program = bin_ / "lobtail"
    program.write_text(f'#!/bin/sh\nexec {" ".join(LOBTAIL)} "$@"\n')
    program.chmod(0o755)
    (home / "some logs").mkdir()
    (home / "some logs" / "one.log").write_text("")
    env = {
        **one_engine.env(),
        "PATH": f"{bin_}:{os.environ['PATH']}",
        "HOME": str(home),
        "ZDOTDIR": str(home),
        "DOCKER_CONFIG": str(home / "docker"),
        "TERM": "dumb" if request.param == "bash" else "xterm",
        "LC_ALL": "C.UTF-8",
    }
    create = [docker_cli(), "context", "create", "completed", f"--docker=host={one_engine.host}"]
    outside = {name: value for name, value in env.items() if name != "DOCKER_HOST"}
    subprocess.run(create, env=outside, check=True, capture_output=True)
    shell = Shell(request.param, home, env)
    yield shell
    shell.close()


def test_names_of_containers(shell: Shell, prefix: str) -> None:
    assert shell.complete(f"lobtail tail {prefix}-w") == f"lobtail tail {prefix}-web-1 "
    assert shell.complete(f"lobtail logs -f {prefix}-w") == f"lobtail logs -f {prefix}-web-1 "
    # As far as several agree, and then each but those that are there.
    assert shell.complete(f"lobtail tail {prefix}-d") == f"lobtail tail {prefix}-db-"
    line = f"lobtail tail {prefix}-db-1 {prefix}-d"
    assert shell.complete(line) == f"lobtail tail {prefix}-db-1 {prefix}-db-2 "


def test_globs_and_quotes(shell: Shell, prefix: str) -> None:
    for odd in (f"lobtail tail {prefix}-w*", f"lobtail tail '{prefix}-w*", "lobtail tail '/web"):
        assert shell.complete(odd) == odd
    assert shell.complete(f"lobtail tail '{prefix}-w").rstrip() == f"lobtail tail '{prefix}-web-1'"
    # What stands before is read without its quotes.
    line = f"lobtail tail -g 'a b' \"{prefix}-db-1\" {prefix}-d"
    assert shell.complete(line) == f"{line[:-2]}-db-2 "


def test_the_engine_that_the_line_names(shell: Shell, prefix: str, one_engine: TestEngine) -> None:
    host = one_engine.host
    for line in (
        f"lobtail -H {host} tail",
        f"lobtail --host={host} logs",
        f"lobtail logs -H {host}",
    ):
        assert shell.complete(f"{line} {prefix}-w") == f"{line} {prefix}-web-1 "
    for line in ("lobtail -c completed tail", "lobtail tail -H unix:///nowhere -c completed"):
        assert shell.complete(f"{line} {prefix}-w") == f"{line} {prefix}-web-1 "
    nowhere = f"lobtail -H unix:///nowhere/docker.sock tail {prefix}-w"
    assert shell.complete(nowhere) == nowhere


def test_options_and_their_values(shell: Shell, prefix: str) -> None:
    for typed, done in (
        ("comple", "completion "),
        ("completion z", "completion zsh "),
        ("plugin un", "plugin uninstall "),
        ("-c comple", "-c completed "),
        ("--context=comple", "--context=completed "),
        ("logs --context comple", "logs --context completed "),
        ("tail --strea", "tail --stream "),
        ("tail --stream stdo", "tail --stream stdout "),
        ("tail --stream=stdo", "tail --stream=stdout "),
        ("tail -t=sho", "tail -t=short "),
        (f"tail --project {prefix[:-1]}", f"tail --project {prefix} "),
        (f"tail --project={prefix[:-1]}", f"tail --project={prefix} "),
        (f"tail -l {prefix[:-1]}", f"tail -l {prefix}="),
        (f"tail -l {prefix}=a\\ c", f"tail -l {prefix}=a\\ c "),
        (f"tail --label={prefix}=a\\ c", f"tail --label={prefix}=a\\ c "),
        (f"tail -l {prefix}=", f"tail -l {prefix}=a\\ "),
    ):
        assert shell.complete(f"lobtail {typed}") == f"lobtail {done}"


def test_files(shell: Shell) -> None:
    for typed, done in (
        ("logs --file /etc/host_no", "logs --file /etc/host_no"),
        ("logs --file /etc/passw", "logs --file /etc/passwd"),
        ("logs --file=/etc/passw", "logs --file=/etc/passwd"),
        (f"tail --file={shell.home}/some", f"tail --file={shell.home}/some\\ logs/"),
        (
            f"plugin install --dir {shell.home}/so",
            f"plugin install --dir {shell.home}/some\\ logs/",
        ),
    ):
        found = shell.complete(f"lobtail {typed}").rstrip()
        assert found.replace("passwd-", "passwd") == f"lobtail {done}"
