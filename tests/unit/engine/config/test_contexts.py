"""Which engine holds, beside the docker CLI: flags, environment, contexts, TLS."""

from __future__ import annotations

import json
import os
import subprocess
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from lobtail import ConfigError
from lobtail.cli.engines import ChosenEngines
from lobtail.cli.main import cli
from lobtail.cli.options import engine_arguments, every_engine_arguments
from lobtail.docker import Tls
from lobtail.engine.config.endpoint import Endpoint, resolve
from lobtail.flags import with_flags
from support.engines import docker_cli

# What the CLI would use, without asking anybody.
SHOW = "{{.Endpoints.docker.Host}} {{.Endpoints.docker.SkipTLSVerify}} {{json .TLSMaterial}}"


@pytest.fixture(autouse=True)
def no_podman(monkeypatch: pytest.MonkeyPatch) -> None:
    """The docker CLI does not look for Podman's socket."""
    monkeypatch.setattr("lobtail.engine.config.endpoint.PODMAN_SOCKET", "")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose contexts the docker CLI has made, and which has certificates."""
    path = tmp_path_factory.mktemp("home")
    for file in ("ca.pem", "cert.pem", "key.pem"):
        (path / file).write_text(f"{file}\n")
    for name, options in (
        ("plain", "host=unix:///plain"),
        ("far", "host=ssh://me@far:2222"),
        ("secure", "host=tcp://secure:2376"),
        ("ca-only", "host=tcp://ca-only:2376"),
        ("careless", "host=tcp://careless:2376,skip-tls-verify=true"),
    ):
        done = docker(path, {}, "context", "create", name, "--docker", options)
        assert done.returncode == 0, done.stderr
    # Where it puts certificates, which it would not take from here: they are none.
    for name, files in (("secure", ("ca", "cert", "key")), ("ca-only", ("ca",))):
        digest = sha256(name.encode()).hexdigest()
        folder = path / ".docker" / "contexts" / "tls" / digest / "docker"
        folder.mkdir(parents=True)
        for file in files:
            (folder / f"{file}.pem").write_text(f"{file}.pem\n")
    return path


def docker(home: Path, environ: dict[str, str], *args: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "HOME": str(home), **environ}
    command = [docker_cli(), *args]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def ours(
    home: Path, environ: dict[str, str], flags: list[str], monkeypatch: pytest.MonkeyPatch
) -> Endpoint:
    """Resolve as a command line would."""
    for name in list(os.environ):
        if name.startswith(("DOCKER_", "LOBTAIL_", "XDG_")):
            monkeypatch.delenv(name)
    for name, value in {"HOME": str(home), **environ}.items():
        monkeypatch.setenv(name, value)
    with cli.make_context("lobtail", [*flags, "ps"]) as context:
        context.obj = ChosenEngines(**context.params)
        arguments = engine_arguments(None)
    origin = arguments.pop("origin", "")
    del arguments["timeout"]
    host = arguments.pop("host", None)
    return resolve(host, os.environ, origin, context_origin=origin, **arguments)


def shown(endpoint: Endpoint) -> str:
    """Return an endpoint as SHOW would."""
    tls = endpoint.tls
    files = [path and Path(path).name for path in (tls.ca, tls.cert, tls.key)] if tls else []
    material = {"docker": list(filter(None, files))} if any(files) else {}
    careless = str(bool(tls and not tls.verify)).lower()
    return f"{endpoint.url} {careless} {json.dumps(material, separators=(',', ':'))}"


def as_docker(done: subprocess.CompletedProcess[str]) -> str:
    """Return what the CLI showed; it names the files in no order."""
    assert done.returncode == 0, done.stderr
    endpoint, _, material = done.stdout.strip().rpartition(" ")
    files = {name: sorted(files) for name, files in json.loads(material).items()}
    return f"{endpoint} {json.dumps(files, separators=(',', ':'))}"


FLAGS: tuple[list[str], ...] = (
    [],
    ["-H", "tcp://flag:1"],
    ["-c", "plain"],
    ["--context", "default"],
    ["-c", "nope"],
)
HOSTS = ("", "unix:///env")
CONTEXTS = ("", "far", "nope")
CURRENT = ("", "secure")
CA = "--tlscacert={}/ca.pem"


@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
@pytest.mark.parametrize("current", CURRENT)
def test_the_order_is_that_of_docker(
    home: Path, flags: list[str], current: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = home / ".docker" / "config.json"
    config.write_text(json.dumps({"currentContext": current} if current else {}))
    for host, context in product(HOSTS, CONTEXTS):
        environ = {"DOCKER_HOST": host, "DOCKER_CONTEXT": context}
        done = docker(home, environ, *flags, "context", "inspect", "--format", SHOW)
        if done.returncode:
            with pytest.raises(ConfigError, match=r"there is no docker context 'nope' \("):
                ours(home, environ, flags, monkeypatch)
        else:
            found = ours(home, environ, flags, monkeypatch)
            assert shown(found) == as_docker(done), (flags, environ, current)


@pytest.mark.parametrize("name", ["plain", "far", "secure", "ca-only", "careless"])
def test_contexts_as_docker_makes_them(
    home: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = docker(home, {}, "context", "inspect", "--format", SHOW, name)
    endpoint = ours(home, {}, ["-c", name], monkeypatch)
    assert shown(endpoint) == as_docker(done)
    assert endpoint.context == name
    if endpoint.tls and endpoint.tls.ca:
        assert Path(endpoint.tls.ca).read_text() == "ca.pem\n"


@pytest.mark.parametrize("tls", ["", "--tls", "--tls=false"])
@pytest.mark.parametrize("verify", ["", "--tlsverify", "--tlsverify=true", "--tlsverify=false"])
def test_tls_as_docker_reads_its_flags(
    home: Path, tls: str, verify: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".docker" / "config.json").write_text("{}")
    for switch, verified in product(("", "1"), ("", "0")):
        environ = {
            "DOCKER_TLS": switch,
            "DOCKER_TLS_VERIFY": verified,
            "DOCKER_HOST": "tcp://h:1" if switch else "",
            "DOCKER_CERT_PATH": str(home),
        }
        flags = [flag for flag in (tls, verify) if flag]
        done = docker(home, environ, *flags, "context", "inspect", "--format", SHOW)
        assert shown(ours(home, environ, flags, monkeypatch)) == as_docker(done), environ


def test_a_host_and_a_context(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flags = ["-H", "unix:///x", "-c", "plain"]
    assert docker(home, {}, *flags, "context", "inspect").returncode == 1
    with pytest.raises(ConfigError, match=r"reads one engine, and .* are given"):
        ours(home, {}, flags, monkeypatch)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--tlscacert", "/none"], "TLS needs the file /none of --tlscacert: No such file"),
        (["--tlscert", "/none"], "TLS needs the file /none of --tlscert: No such file"),
        (
            ["--tlscacert={}/ca.pem", "--tlskey={}/key.pem"],
            "--tlskey {}/key.pem needs the certificate to it: --tlscert",
        ),
        (
            ["--tlscacert={}/ca.pem", "--tlscert={}/cert.pem"],
            "--tlscert {}/cert.pem needs the key to it: --tlskey",
        ),
        ([], "TLS needs the file {}/.docker/ca.pem, the authorities to trust (DOCKER_CERT_PATH"),
        (
            ["--tlscacert={}/ca.pem", "-H", "unix:///x"],
            "TLS is for tcp://, and unix:///x (--host) is none",
        ),
        (
            ["--tlscacert={}/ca.pem", "-c", "plain"],
            "the docker context 'plain' says itself whether to use TLS",
        ),
    ],
)
def test_tls_that_cannot_be(
    home: Path, flags: list[str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = [flag.format(home) for flag in flags]
    with pytest.raises(ConfigError) as caught:
        ours(home, {"DOCKER_HOST": "tcp://h:1"}, ["--tlsverify", *flags], monkeypatch)
    # The command speaks of flags, the library of arguments.
    assert words.format(home) in with_flags(str(caught.value))
    assert "--tls" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_tls_for_those_of_several_that_may_have_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CERT_PATH", str(home))
    flags = ["--tlsverify", "-H", "tcp://h:1", "-H", "unix:///s", "-c", "plain"]
    with cli.make_context("lobtail", [*flags, "ps"]) as context:
        context.obj = ChosenEngines(**context.params)
        arguments = every_engine_arguments(None)
    named = {each.get("host") or each["context"]: each["tls"] for each in arguments}
    files = {name: f"{home}/{name}.pem" for name in ("ca", "cert", "key")}
    assert named.pop("tcp://h:1") == Tls(**files, verify=True)
    assert named == {"unix:///s": None, "plain": None}


def test_certificates_of_the_environment(home: Path) -> None:
    environ = {"DOCKER_HOST": "tcp://h:1", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(home)}
    files = {name: f"{home}/{name}.pem" for name in ("ca", "cert", "key")}
    assert resolve(None, environ).tls == Tls(**files, verify=True)
    assert resolve("unix:///s", environ).tls is None
    assert resolve("ssh://far", environ).tls is None


# --- the context store -------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "contexts" / "meta").mkdir(parents=True)
    return tmp_path


def add(store: Path, name: str, meta: Any) -> Path:
    folder = store / "contexts" / "meta" / sha256(name.encode()).hexdigest()
    folder.mkdir()
    text = meta if isinstance(meta, str) else json.dumps(meta)
    (folder / "meta.json").write_text(text)
    return folder


def context(name: str, host: str) -> dict[str, Any]:
    return {"Name": name, "Endpoints": {"docker": {"Host": host}}}


def test_a_context_that_is_not_there_names_those_that_are(store: Path) -> None:
    environ = {"DOCKER_CONFIG": str(store), "DOCKER_CONTEXT": "nope"}
    text = "there is no docker context 'nope' (DOCKER_CONTEXT); there is"
    with pytest.raises(ConfigError) as caught:
        resolve(None, environ)
    assert str(caught.value) == f"{text} none but the default one"
    add(store, "b", context("b", "unix:///b"))
    add(store, "a", context("a", "unix:///a"))
    add(store, "broken", "{")
    with pytest.raises(ConfigError) as caught:
        resolve(None, environ)
    assert str(caught.value) == f"{text} a, b"


def test_an_endpoint_says_which_context_it_is_of(store: Path) -> None:
    add(store, "prod", context("prod", "tcp://prod:2375"))
    environ = {"DOCKER_CONFIG": str(store)}
    said = "tcp://prod:2375 (context prod, from {})"
    assert str(resolve(None, {**environ, "DOCKER_CONTEXT": "prod"})) == said.format(
        "DOCKER_CONTEXT"
    )
    assert str(resolve(None, environ, context="prod")) == said.format("--context")
    (store / "config.json").write_text('{"currentContext": "prod"}')
    current = f"currentContext in {store}/config.json"
    assert str(resolve(None, environ)) == said.format(current)


@pytest.mark.parametrize(
    ("meta", "words"),
    [
        ("{", "meta.json is no JSON"),
        ("[]", "has no docker endpoint"),
        ({"Endpoints": {}}, "has no docker endpoint"),
        ({"Endpoints": {"docker": "x"}}, "has no docker endpoint"),
        ({"Endpoints": {"docker": {"Host": 5}}}, "its host is not a string"),
        (context("bad", "ftp://x"), "'ftp://x' is no endpoint: write unix:///path"),
        ("[" * 10_000, "meta.json is no JSON"),
    ],
    ids=str,
)
def test_contexts_that_cannot_be_used(store: Path, meta: Any, words: str) -> None:
    add(store, "bad", meta)
    with pytest.raises(ConfigError) as caught:
        resolve(None, {"DOCKER_CONFIG": str(store), "DOCKER_CONTEXT": "bad"})
    text = str(caught.value)
    assert "the docker context 'bad' (DOCKER_CONTEXT)" in text
    assert words in text
    assert len(text.splitlines()) == 1


def test_certificates_that_cannot_be_looked_at(store: Path) -> None:
    add(store, "prod", context("prod", "tcp://prod:2376"))
    folder = store / "contexts" / "tls" / sha256(b"prod").hexdigest()
    folder.parent.mkdir()
    folder.symlink_to(folder)  # what a permission does to others than root
    with pytest.raises(ConfigError) as caught:
        resolve(None, {"DOCKER_CONFIG": str(store)}, context="prod")
    assert str(caught.value) == (
        f"the docker context 'prod' (--context): {folder}/docker/ca.pem: "
        "Too many levels of symbolic links"
    )


def test_a_context_without_a_host_is_the_default_socket(store: Path) -> None:
    add(store, "empty", context("empty", ""))
    assert resolve(None, {"DOCKER_CONFIG": str(store)}, context="empty").kind == "unix"


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", "{}", '{"currentContext": ""}', '{"currentContext": 1}']
)
def test_a_docker_config_without_a_context(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    assert resolve(None, {"DOCKER_CONFIG": str(tmp_path)}).origin == "default socket"
