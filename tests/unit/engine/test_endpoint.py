"""Which engine is meant: every form, every refusal, and who named it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lobtail import ConfigError, Engine
from lobtail.engine.endpoint import DEFAULT_SOCKET, Endpoint, parse_host, resolve


@pytest.mark.parametrize(
    ("host", "url", "header"),
    [
        ("unix:///var/run/docker.sock", "unix:///var/run/docker.sock", "localhost"),
        (" unix:///a b/ü.sock ", "unix:///a b/ü.sock", "localhost"),
        ("unix://relative.sock", "unix://relative.sock", "localhost"),
        ("tcp://127.0.0.1:2375", "tcp://127.0.0.1:2375", "127.0.0.1:2375"),
        ("tcp://engine", "tcp://engine:2375", "engine:2375"),
        ("http://engine:80/", "tcp://engine:80", "engine:80"),
        ("tcp://:2376", "tcp://localhost:2376", "localhost:2376"),
        ("engine:2375", "tcp://engine:2375", "engine:2375"),
        ("127.0.0.1", "tcp://127.0.0.1:2375", "127.0.0.1:2375"),
        ("tcp://[::1]:1", "tcp://[::1]:1", "[::1]:1"),
        ("[fe80::1%eth0]", "tcp://[fe80::1%eth0]:2375", "[fe80::1%eth0]:2375"),
        ("tcp://h:1/base/path/", "tcp://h:1/base/path", "h:1"),
        ("tcp://h:1/a%20b/é", "tcp://h:1/a%20b/%C3%A9", "h:1"),
        ("tcp://h:65535", "tcp://h:65535", "h:65535"),
    ],
)
def test_forms(host: str, url: str, header: str) -> None:
    endpoint = parse_host(host, "--host")
    assert (endpoint.url, endpoint.host_header) == (url, header)
    assert str(endpoint) == f"{url} (--host)"
    assert parse_host(endpoint.url, "--host") == endpoint


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("unix://", "has no socket path: write unix:///path/to/socket"),
        ("unix:///a\0b", "has no socket path"),
        ("tcp://", "is no address: write tcp://HOST:PORT"),
        ("tcp://h:0", "has no such port: 0 is not in 1-65535"),
        ("tcp://h:65536", "has no such port: 65536"),
        ("tcp://h:", "is no address"),
        ("tcp://h:port", "is no address"),
        ("tcp://h:123456", "is no address"),
        ("tcp://user@h:1", "is no address"),
        ("tcp://h:1?x=y", "is no address"),
        ("tcp://h:1#x", "is no address"),
        ("tcp://::1:1", "is no address"),
        ("tcp://h:1/a b", "is no address"),
        ("tcp://h:1/a\r\nHost: x", "is no address"),
        ("tcp://h\r\n:1", "is no address"),
        ("ssh://me@far", "cannot speak ssh yet; forward the engine's socket with 'ssh -L"),
        ("https://h:2376", "cannot speak https yet"),
        ("npipe:////./pipe/docker", "is no endpoint: write unix:///path or tcp://HOST:PORT"),
        ("fd://", "is no endpoint"),
        ("://x", "is no endpoint"),
        ("   ", "is no address"),
    ],
)
@pytest.mark.parametrize("origin", ["--host", "DOCKER_HOST"])
def test_refusals_name_the_origin(host: str, words: str, origin: str) -> None:
    flag, environ = (host, {}) if origin == "--host" else (None, {"DOCKER_HOST": host})
    with pytest.raises(ConfigError) as caught:
        resolve(flag, environ)
    text = str(caught.value)
    assert text.startswith(f"{origin} {host!r}")
    assert words in text
    assert len(text.splitlines()) == 1


def test_order(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    assert str(resolve(None, environ)) == f"{DEFAULT_SOCKET} (default socket)"
    assert str(resolve("", {**environ, "DOCKER_HOST": ""})) == f"{DEFAULT_SOCKET} (default socket)"
    environ["DOCKER_HOST"] = "unix:///env"
    assert str(resolve(None, environ)) == "unix:///env (DOCKER_HOST)"
    assert str(resolve("unix:///flag", environ)) == "unix:///flag (--host)"


def config(folder: Path, content: str | bytes) -> Path:
    path = folder / "config.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_context_is_refused_not_ignored(tmp_path: Path) -> None:
    path = config(tmp_path, json.dumps({"currentContext": "far"}))
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    with pytest.raises(ConfigError, match="the docker context 'far'") as caught:
        resolve(None, environ)
    assert f"(currentContext in {path})" in str(caught.value)
    assert "docker context inspect far" in str(caught.value)
    with pytest.raises(ConfigError, match=r"'near' \(DOCKER_CONTEXT\)"):
        resolve(None, {**environ, "DOCKER_CONTEXT": "near"})
    # Who names a host means it.
    assert resolve("unix:///flag", environ).path == "/flag"
    assert resolve(None, {**environ, "DOCKER_HOST": "unix:///env"}).path == "/env"


def test_the_default_context_is_the_default_socket(tmp_path: Path) -> None:
    config(tmp_path, '{"currentContext": "far"}')
    for environ in (
        {"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "default"},
        {"DOCKER_CONFIG": str(tmp_path / "none")},
    ):
        assert resolve(None, environ).url == DEFAULT_SOCKET


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", "{}", '{"currentContext": ""}', b"\xff", '{"auths": {}}']
)
def test_a_docker_config_without_a_context(tmp_path: Path, content: str | bytes) -> None:
    config(tmp_path, content)
    assert resolve(None, {"DOCKER_CONFIG": str(tmp_path)}).url == DEFAULT_SOCKET


def test_the_config_in_the_home_folder(tmp_path: Path) -> None:
    (tmp_path / ".docker").mkdir()
    config(tmp_path / ".docker", '{"currentContext": "far"}')
    with pytest.raises(ConfigError, match="far"):
        resolve(None, {"HOME": str(tmp_path)})


def test_tls_is_refused() -> None:
    environ = {"DOCKER_HOST": "tcp://h:2376", "DOCKER_TLS_VERIFY": "1"}
    with pytest.raises(ConfigError, match="DOCKER_TLS_VERIFY asks for TLS to tcp://h:2376"):
        resolve(None, environ)
    environ["DOCKER_HOST"] = "unix:///s"
    assert resolve(None, environ).path == "/s"


def test_engine_takes_its_endpoint_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///env")
    assert Engine().endpoint == Endpoint("unix", "DOCKER_HOST", path="/env")
    with pytest.raises(ConfigError, match=r"^host 'ftp://x' is no endpoint"):
        Engine("ftp://x")
