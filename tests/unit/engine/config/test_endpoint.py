"""Which engine is meant: every form, every refusal, and who named it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lobtail import ConfigError, Engine
from lobtail.docker import Tls
from lobtail.engine.config.endpoint import Endpoint, labels, parse_host, resolve


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
        ("/run/my.sock", "unix:///run/my.sock", "localhost"),
        ("./my.sock", "unix://./my.sock", "localhost"),
        ("ssh://far", "ssh://far", "localhost"),
        ("ssh://me@far:2222", "ssh://me@far:2222", "localhost"),
        ("ssh://far:", "ssh://far", "localhost"),
        ("ssh://far/", "ssh://far", "localhost"),
        ("ssh://me@[::1]:22/run/d.sock", "ssh://me@[::1]:22/run/d.sock", "localhost"),
        ("ssh://far/a%20b/d.sock", "ssh://far/a%20b/d.sock", "localhost"),
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
        ("tcp://h:２３７５", "is no address"),
        ("ssh://h:２２", "is no address"),
        ("tcp://user@h:1", "is no address"),
        ("tcp://h:1?x=y", "is no address"),
        ("tcp://h:1#x", "is no address"),
        ("tcp://::1:1", "is no address"),
        ("tcp://h:1/a b", "is no address"),
        ("tcp://h:1/a\r\nHost: x", "is no address"),
        ("tcp://h\r\n:1", "is no address"),
        ("ssh://", "is no address: write ssh://USER@HOST:PORT"),
        ("ssh://me@", "is no address: write ssh://USER@HOST:PORT"),
        ("ssh://far:0", "has no such port: 0 is not in 1-65535"),
        ("ssh://far?x=y", "is no address"),
        ("ssh://far#x", "is no address"),
        ("ssh://far/a%00b", "has no such path"),
        ("npipe:////./pipe/docker", "is no endpoint: write unix:///path, tcp://"),
        ("fd://", "is no endpoint"),
        ("://x", "is no endpoint"),
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


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(ConfigError, match=r"^--host has a password in it") as caught:
        resolve("ssh://me:secret@far", {})
    assert "secret" not in str(caught.value)


def test_https_is_tls_whose_certificates_are_verified(tmp_path: Path) -> None:
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    endpoint = resolve("https://h", environ)
    assert (endpoint.url, endpoint.tls) == ("tcp://h:2376", Tls())
    (tmp_path / "ca.pem").touch()
    assert resolve("https://h", environ).tls == Tls(ca=str(tmp_path / "ca.pem"))


def test_podman_is_the_last_guess(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    socket, system = tmp_path / "podman" / "podman.sock", tmp_path / "system.sock"
    environ = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    monkeypatch.setattr(
        "lobtail.engine.config.endpoint.DEFAULT_SOCKET", f"unix://{tmp_path}/docker.sock"
    )
    monkeypatch.setattr("lobtail.engine.config.endpoint.PODMAN_SOCKET", str(system))
    assert str(resolve(None, environ)) == f"unix://{tmp_path}/docker.sock (default socket)"
    system.touch()
    said = f"(Podman's socket, for there is no {tmp_path}/docker.sock)"
    assert str(resolve(None, environ)) == f"unix://{system} {said}"
    socket.parent.mkdir()
    socket.touch()
    assert str(resolve(None, environ)) == f"unix://{socket} {said}"
    (tmp_path / "docker.sock").touch()
    assert resolve(None, environ).path == f"{tmp_path}/docker.sock"
    assert resolve(None, {**environ, "DOCKER_HOST": "tcp://h"}).kind == "tcp"


def test_engine_takes_its_endpoint_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///env")
    assert Engine().endpoint == Endpoint("unix", "DOCKER_HOST", path="/env")
    with pytest.raises(ConfigError, match=r"^host 'ftp://x' is no endpoint"):
        Engine("ftp://x")
    with pytest.raises(ConfigError, match=r"^host and context both name an engine"):
        Engine("unix:///x", context="c")
    tls = Tls(ca="/ca.pem")
    assert Engine("tcp://h:1", tls=tls).endpoint.tls == tls
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    assert Engine("tcp://h:1", tls=False).endpoint.tls is None


@pytest.mark.parametrize(
    ("hosts", "names"),
    [
        ("unix:///var/run/docker.sock ssh://me@far tcp://near:1", "local far near"),
        ("unix:///a.sock unix:///b.sock", "/a.sock /b.sock"),
        ("tcp://h:1 tcp://h:2 ssh://h", "h:1 h:2 h"),
        ("ssh://a@h ssh://b@h", "ssh://a@h ssh://b@h"),
        ("tcp://h:1 tcp://h:1 tcp://h:1", "tcp://h:1 tcp://h:1#2 tcp://h:1#3"),
    ],
)
def test_each_engine_of_several_has_a_name_of_its_own(hosts: str, names: str) -> None:
    endpoints = [parse_host(host, "--host") for host in hosts.split()]
    assert labels(endpoints) == names.split()


def test_a_context_has_its_name() -> None:
    endpoint = Endpoint("tcp", "context prod, from --context", host="h", port=1, context="prod")
    assert labels([endpoint, parse_host("tcp://h:1", "--host")]) == ["prod", "h"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("unix:///run/x.sock", "/run/x.sock", True),
        ("unix:///run/x.sock", "unix:///run/../run/x.sock", True),
        ("unix:///a.sock", "unix:///b.sock", False),
        ("tcp://Far", "http://far:2375/", True),
        ("tcp://far:1", "tcp://far:2", False),
        ("tcp://far/a", "tcp://far/b", False),
        ("ssh://far", "ssh://far", True),
        ("ssh://me@far", "ssh://you@far", False),
        ("ssh://far", "tcp://far", False),
    ],
)
def test_endpoints_that_lead_to_the_same_engine(one: str, other: str, same: bool) -> None:
    endpoint, named = parse_host(one, "--host"), parse_host(other, "context x")
    assert endpoint.leads_where(named) is named.leads_where(endpoint) is same
