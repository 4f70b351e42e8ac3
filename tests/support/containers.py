"""What a container is to be, in the words of `docker run`, as the engine's API takes it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

_UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def settings(image: str, options: Sequence[str], *command: str) -> dict[str, Any]:
    """Return the body of a request that creates what `docker create OPTIONS IMAGE COMMAND` does.

    Raises ValueError for an option that no test had needed when this was written.
    """
    given, unknown = _parser().parse_known_args(options)
    if unknown:
        raise ValueError(f"options of docker run that tests do not know: {unknown}")
    policy, _, most = given.restart.partition(":")
    return {
        "Image": image,
        "Cmd": command,
        "OpenStdin": given.interactive,
        "Tty": given.tty,
        "Env": given.env,
        "Labels": _pairs(given.label),
        "StopTimeout": given.stop_timeout,
        "WorkingDir": given.workdir,
        "Volumes": {place: {} for place in given.volume if ":" not in place},
        "HostConfig": {
            "AutoRemove": given.rm,
            "Binds": [place for place in given.volume if ":" in place],
            "LogConfig": {"Type": given.log_driver, "Config": _pairs(given.log_opt)},
            "Memory": _bytes(given.memory),
            "NetworkMode": given.network,
            "RestartPolicy": {"Name": policy, "MaximumRetryCount": int(most or 0)},
        },
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for flags in (("-i", "--interactive"), ("-t", "--tty"), ("--rm",)):
        parser.add_argument(*flags, action="store_true")
    for flags in (("-e", "--env"), ("-l", "--label"), ("--log-opt",), ("-v", "--volume")):
        parser.add_argument(*flags, action="append", default=[])
    for flags in (("--log-driver",), ("-m", "--memory"), ("-w", "--workdir")):
        parser.add_argument(*flags, default="")
    parser.add_argument("--network", default="none")
    parser.add_argument("--restart", default="no")
    parser.add_argument("--stop-timeout", type=int)
    return parser


def _pairs(words: Sequence[str]) -> dict[str, str]:
    return {key: value for key, _, value in (word.partition("=") for word in words)}


def _bytes(text: str) -> int:
    return int(text[:-1]) * _UNITS[text[-1]] if text else 0
