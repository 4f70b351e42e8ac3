"""What the docker CLI runs as ``docker-tail``: its way of calling plugins, made into ours.

It calls ``docker-tail docker-cli-plugin-metadata`` to learn of the plugin, ``docker-tail [FLAGS]
tail …`` with its own global flags in front, and ``docker-tail __complete tail …`` for completion
(docker/cli, ``cli-plugins/manager``). On a signal the CLI closes a socket that it names in the
environment (``cli-plugins/socket``).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Final, NoReturn

from lobtail._version import __version__

__all__ = ["arguments", "main", "metadata"]

_SOCKET: Final = "DOCKER_CLI_PLUGIN_SOCKET"

# The docker CLI's global flags (docker/cli, cli/flags/options.go). Of its debugging, which -D and
# -l are about, nothing happens here.
_VALUED: Final = ("config", "context", "host", "log-level", "tlscacert", "tlscert", "tlskey")
_BOOLEAN: Final = ("debug", "help", "tls", "tlsverify", "version")
_SHORT: Final = {
    "c": "context",
    "D": "debug",
    "H": "host",
    "h": "help",
    "l": "log-level",
    "v": "version",
}
_ITS_OWN: Final = ("debug", "log-level")


def main() -> NoReturn:
    """Run what the docker CLI asks for, and exit."""
    words = sys.argv[1:]
    if words == ["docker-cli-plugin-metadata"]:
        print(metadata())
        sys.exit(0)
    sys.argv[1:] = arguments(words)
    if hasattr(signal, "pthread_sigmask"):
        # Of a plugin that a signal ends, the CLI makes exit code 255. A blocked SIGPIPE leaves us
        # to exit with 141, which it passes on.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})
    if address := os.environ.get(_SOCKET):
        _watch(address)
    from lobtail.cli.entry import main as run

    run("docker")


def metadata() -> str:
    """Return what the CLI wants to know of a plugin, as JSON."""
    import json

    return json.dumps(
        {
            "SchemaVersion": "0.1.0",
            "Vendor": "lobtail",
            "Version": f"v{__version__}",
            "ShortDescription": "Tail the logs of many containers as one stream",
        }
    )


def arguments(words: list[str]) -> list[str]:
    """Return the words of lobtail's command line for those of a plugin.

    Sets ``DOCKER_CONFIG`` where ``--config`` says so. What it does not know it leaves as it is, for
    lobtail to complain about.
    """
    if words[:1] in (["__complete"], ["__completeNoDesc"]):
        return ["__complete", "cobra", *words[1:]]
    ours: list[str] = []
    left = iter(words)
    for word in left:
        if word == "help":
            return ["tail", "--help"]
        if not word.startswith("-") or word == "-":
            return [*ours, word, *left]
        for name, value in _flags(word, left):
            if name == "help":
                return ["tail", "--help"]
            if name == "config" and value is not None:
                os.environ["DOCKER_CONFIG"] = value
            elif name not in _ITS_OWN:
                dashed = name if name.startswith("-") else f"--{name}"
                ours.append(dashed if value is None else f"{dashed}={value}")
    return ours or ["tail", "--help"]


def _flags(word: str, left: Iterable[str]) -> list[tuple[str, str | None]]:
    """Return the flags that a word has, by long name, with their values, as pflag reads them.

    A name that begins with a dash is not known.
    """
    if word.startswith("--"):
        name, equals, value = word[2:].partition("=")
        if name in _BOOLEAN:
            return _switch(name, value if equals else "true")
        if name in _VALUED:
            return [(name, value if equals else next(iter(left), ""))]
        return [(word, None)]
    found: list[tuple[str, str | None]] = []
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        name = _SHORT.get(letter, "")
        if name in _VALUED:
            found.append((name, letters.removeprefix("=") if letters else next(iter(left), "")))
            break
        if not name:
            return [*found, (f"-{letter}{letters}", None)]
        if letters.startswith("="):
            found += _switch(name, letters[1:])
            break
        found += _switch(name, "true")
    return found


def _switch(name: str, value: str) -> list[tuple[str, str | None]]:
    off = value in ("0", "f", "F", "FALSE", "false", "False")  # strconv.ParseBool
    if off:  # --tlsverify=false means TLS all the same
        return [(name, "false")] if name.startswith("tls") else []
    return [(name, None)]


def _watch(address: str) -> None:
    """End as by SIGTERM when the CLI closes its socket: it got a signal that we did not get."""
    import socket
    import threading

    peer = socket.socket(socket.AF_UNIX)
    try:
        # An address that begins with @ is in Linux's abstract namespace.
        peer.connect("\0" + address[1:] if address.startswith("@") else address)
    except (OSError, ValueError):
        peer.close()  # a CLI of another kind; signals reach us as they reach any process
        return

    def wait() -> None:
        with peer, suppress(OSError):
            while peer.recv(1):
                pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    main()
