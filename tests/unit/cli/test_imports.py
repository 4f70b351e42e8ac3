"""What a command loads, and what the package promises to have."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import lobtail
import lobtail.errors

# Nothing of this is needed to show a log, and each costs milliseconds before its first byte.
NEVER = {
    "rich",
    "textual",
    "hypothesis",
    "docker",
    "aiodocker",
    "email.message",
    "http.client",
    "http.server",
    "urllib.request",
    "multiprocessing",
    "sqlite3",
    "xml",
    "unittest",
    "zoneinfo",
}


def loaded(code: str) -> set[str]:
    """Return the modules that a fresh Python holds after `code`."""
    code += "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def ours(modules: set[str]) -> set[str]:
    return {name for name in modules if name.startswith("lobtail")}


@pytest.mark.parametrize(
    ("command", "not_loaded"),
    [
        ("logs", {"ps", "frames", "tail"}),
        ("ps", {"logs", "frames", "tail"}),
        ("frames", {"ps", "logs", "tail"}),
        ("tail", {"ps", "logs", "frames", "config"}),
        ("config", {"ps", "logs", "frames"}),
        ("ui", {"ps", "logs", "frames", "tail"}),
    ],
)
def test_a_command_loads_what_it_needs(command: str, not_loaded: set[str]) -> None:
    code = "import sys, lobtail.cli.main as m\nsys.argv[1:] = [{!r}, '--help']\nm.run()"
    modules = loaded(code.format(command))
    assert f"lobtail.cli.{command}" in modules
    assert not modules & {f"lobtail.cli.{other}" for other in not_loaded}
    assert not modules & NEVER


def test_logs_loads_no_renderer() -> None:
    assert not any("render" in name for name in loaded("import lobtail.cli.logs"))


def run(*args: str) -> set[str]:
    """Return what a run of the command line holds at its end."""
    return loaded(f"import sys, lobtail.cli.main as m\nsys.argv[1:] = {args!r}\nm.run()")


def test_logs_of_a_socket_need_no_event_loop() -> None:
    modules = run("-H", "unix:///nonexistent", "logs", "--source", "api", "web")
    assert "lobtail.engine.net.blocking" in modules  # it has tried to connect
    assert not modules & {"asyncio", "ssl", "logging", "lobtail.engine.net.http", *NEVER}
    assert not modules & {"lobtail.files", "lobtail.follow", "lobtail.model.resume", "xxhash"}
    assert not modules & {"lobtail.engine.objects.lifecycle", "dataclasses", "lark"}


def test_what_follows_on_a_socket_loads_nothing_of_tls() -> None:
    for args in (["logs", "-f", "web"], ["tail", "web"], ["ps"]):
        modules = run("-H", "unix:///nonexistent", *args)
        assert "lobtail.engine.net.transport" in modules  # it has tried to connect
        assert not modules & {"ssl", "lobtail.engine.config.tls"}


@pytest.mark.parametrize("command", ["logs", "tail", "ps"])
def test_an_engine_with_tls_gets_it(command: str, tmp_path: Path) -> None:
    # It takes connections, and never says a word.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        code = (
            "import os, sys, lobtail.cli.main as m\n"
            "os.environ.update(LOBTAIL_TIMEOUT='0.1', DOCKER_CONFIG={!r})\n"
            "sys.argv[1:] = {!r}\nm.run()\n"
            "import asyncio.base_events, ssl\nassert asyncio.base_events.ssl is ssl"
        )
        args = ["--tls", "-H", f"tcp://127.0.0.1:{port}", command, *(["web"] * (command != "ps"))]
        assert "lobtail.engine.config.tls" in loaded(code.format(str(tmp_path), args))


def test_only_who_asks_for_entries_waits_for_their_patterns() -> None:
    of_socket = ("-H", "unix:///nonexistent", "tail", "web", "-o", "raw")
    assert "lobtail.entries.grouper" not in run(*of_socket)


def test_tail_loads_no_parser_that_nobody_asked_for() -> None:
    code = "import sys, lobtail.cli.main as m\nsys.argv[1:] = {!r}\nm.run()"
    args = ["-H", "unix:///nonexistent", "tail", "-g", "x", "--level", "warn", "-i", "y"]
    plain = loaded(code.format(args))
    assert "lobtail.cli.tail_run" in plain
    assert not plain & {"lark", "tomllib", *NEVER}
    assert not plain & {"lobtail.render.json", "lobtail.render.raw", "lobtail.render.template"}
    assert "lark" in loaded(code.format([*args, "-w", "level>=warn"]))


def test_the_version_needs_no_engine() -> None:
    modules = run("--version")
    assert not modules & {"asyncio", "httptools", "lobtail.engine.client", *NEVER}


def test_the_version_alone_needs_nothing() -> None:
    # It exits before anything could be asked, so what is loaded is asked of Python.
    command = [sys.executable, "-X", "importtime", "-m", "lobtail", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"lobtail {lobtail.__version__}\n"
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "lobtail.cli.entry" in modules
    assert not modules & {"click", "signal", "lobtail.cli.main", "msgspec"}


def test_importing_the_package_loads_nothing() -> None:
    modules = loaded("import lobtail")
    assert ours(modules) == {"lobtail", "lobtail._version"}
    # What Python has not loaded for itself by then costs more than all of this package.
    assert modules - loaded("import __future__") == {"lobtail", "lobtail._version"}


@pytest.mark.parametrize("name", ["stdcopy", "demux", "FrameDecoder", "Frame", "LobtailError"])
def test_decoding_needs_no_engine(name: str) -> None:
    modules = loaded(f"from lobtail import {name}")
    assert not modules & {"asyncio", "httptools", "click", "socket", "lobtail.engine", *NEVER}


# What a program of a user may import; taking a name away breaks it.
PUBLIC = {
    "lobtail": """
        ConfigError ConnectError ContainerRef Dropped Engine EngineBack EngineError EngineLost
        Entry Frame FrameDecoder Gap Item Level Line LobtailError LogsEndedError Mark NotFoundError
        Query Removed Resumed Skipped Started Stopped Stream Tail TruncatedStream __version__
        ademux demux stdcopy tail_engines tail_files
    """,
    "lobtail.docker": """
        Actor AttachStream BuildCache Component Config Container ContainerStatus
        ContainerSummary Containers CpuStats CpuUsage Credentials DiskCount DiskStats DiskUsage
        Endpoint Event EventStream ExecStream Filters Health HistoryEntry HostConfig IPAM
        Identifier Image ImageRemoval ImageSummary Images Info LogConfig LogDriver LogStream
        MemoryStats Mount Network NetworkContainer NetworkEndpoint NetworkSettings NetworkStats
        Networks Node NodeDescription NodeSpec NodeStatus Nodes PidsStats Ping Port PortBinding
        Probe Pruned PullProgress PullStream RawDecoder Record Replicated RestartPolicy RootFS
        Sample Service ServiceLogStream ServiceMode ServiceSpec Services State Stats StatsStream
        Subnet Swarm SwarmContainer Task TaskLogStream TaskSpec TaskStatus Tasks Tls Top Usage
        Version Volume VolumeUsage Volumes WaitCondition
    """,
    "lobtail.types": """
        AsyncByteSource ByteSink ByteSource HistoryOptions Missing Overflow Source TailOptions Zone
    """,
    "lobtail.errors": """
        CodecError ConfigError ConnectError ConnectionLostError ContainerStateError EngineError
        EngineStreamError LobtailError LogFileError LogsEndedError NotFoundError ProtocolError
        QueryError TruncatedStream
    """,
}


@pytest.mark.parametrize("name", PUBLIC)
def test_the_public_names(name: str) -> None:
    module = import_module(name)
    assert module.__all__ == sorted(PUBLIC[name].split())
    for public in module.__all__:
        assert getattr(module, public) is not None


@pytest.mark.parametrize("name", ["lobtail", "lobtail.docker", "lobtail.types"])
def test_a_lazy_module_lists_its_names(name: str) -> None:
    module = import_module(name)
    assert dir(module) == module.__all__
    everything: dict[str, object] = {}
    exec(f"from {name} import *", everything)
    assert set(module.__all__) <= everything.keys()


def test_a_name_that_is_none() -> None:
    with pytest.raises(AttributeError, match="module 'lobtail' has no attribute 'nope'"):
        _ = lobtail.nope  # type: ignore[attr-defined]


def test_every_error_is_a_lobtail_error() -> None:
    errors = [getattr(lobtail.errors, name) for name in lobtail.errors.__all__]
    assert all(issubclass(error, lobtail.LobtailError) for error in errors)
    assert issubclass(lobtail.TruncatedStream, lobtail.errors.ProtocolError)
