"""docker's config.json as the docker CLI 28 takes it: broken, in other cases, with headers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from faults.command import lobtail
from faults.fake_engine import FakeEngine, frame, json_answer, log
from lobtail import ConfigError, Engine
from lobtail.engine.config.contexts import list_contexts
from lobtail.engine.config.docker_config import DockerConfig, read_config
from lobtail.engine.config.endpoint import parse_host, resolve
from lobtail.engine.config.tls import Tls
from lobtail.engine.net.response import request_head
from lobtail.engine.net.ssh import _command
from lobtail.engine.net.tls import client_context
from support.talking import talk


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str | bytes], DockerConfig]:
    def read(content: str | bytes) -> DockerConfig:
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "config.json").write_bytes(data)
        return read_config({"DOCKER_CONFIG": str(tmp_path)})

    return read


Read = Callable[[str | bytes], DockerConfig]

# --- what is broken -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'\xef\xbb\xbf{"currentContext":"good"}', "it begins with a byte-order mark"),
        ('{"currentContext":"good",}', "Expecting property name"),
        ('{"currentContext":"good"', "Expecting ',' delimiter"),
        ("no JSON", "Expecting value"),
        ("[]", "it is not a JSON object"),
        ("7", "it is not a JSON object"),
        ('{"currentContext": 7}', "currentContext is not a string"),
        ('{"detachKeys": []}', "detachKeys is not a string"),
        ('{"HttpHeaders": 7}', "HttpHeaders is not an object"),
        ('{"HttpHeaders": {"A": 7}}', "HttpHeaders: 'A' is not a string"),
        ("[" * 100_000, "it is nested too deeply"),
        ('{"a":' + "1" * 5000, ""),
        ("\0", "Expecting value"),
    ],
)
def test_case_broken_config(read: Read, content: str | bytes, why: str) -> None:
    config = read(content)
    assert config.warning.startswith(f"Error parsing config file ({config.path}): {why}")
    assert len(config.warning.splitlines()) == 1
    assert (config.current_context, config.detach_keys) == ("", "")


@pytest.mark.parametrize("content", ["", " \n", "null", "{}", '{"currentContext": null}'])
def test_what_says_nothing_is_not_broken(read: Read, content: str) -> None:
    config = read(content)
    assert config == DockerConfig(config.path)


@pytest.mark.parametrize(
    "content",
    [
        '{"CURRENTcontext": "good"}',
        '{"currentContext": "other", "CurrentContext": "good"}',
        '{"currentContext": "good", "currentcontext": null}',
        '{"currentContext": "good"} and what Go does not read',
        '{"currentContext": "good", "detachKeys": 7, "auths": 7}',
        '{"currentContext": "good", "x": "\\ud800"}',
        b'{"currentContext": "good", "x": "\xff"}',
        '{"currentContext": "good", "x": ' + "9" * 5000 + "}",
    ],
)
def test_case_broken_config_says_what_it_can(read: Read, content: str | bytes) -> None:
    assert read(content).current_context == "good"


def test_a_file_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "config.json")
    assert read_config({"DOCKER_CONFIG": str(tmp_path)}) == DockerConfig(path)


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "file above"])
def test_case_fifo_beside_as_dockers_config(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        environ["DOCKER_CONFIG"] = "/dev/null"
    config = read_config(environ)
    assert config.warning.startswith(f"Error loading config file ({config.path}): ")
    result = lobtail("unix:///nowhere", "ps", env=environ)
    assert result.code == 1
    assert result.stderr.decode().splitlines()[0] == f"WARNING: {config.warning}"


def test_case_broken_config_is_named_by_commands_and_by_doctor(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    env = {"DOCKER_CONFIG": str(tmp_path)}
    warning = f"Error parsing config file ({tmp_path}/config.json): "
    with FakeEngine(log([frame(1, b"one\n")])) as engine:
        result = lobtail(engine.host, "logs", "web", env=env)
        assert (result.code, result.stdout) == (0, b"one\n")
        assert result.stderr.decode().startswith(f"WARNING: {warning}")
        assert len(result.stderr.splitlines()) == 1
        report = lobtail(engine.host, "doctor", "--json", env=env)
    assert report.stderr == b""
    findings = json.loads(report.stdout)["here"]["findings"]
    named = [each for each in findings if each["text"].startswith(warning)]
    assert [each["grade"] for each in named] == ["warning"]


def test_a_library_can_ask_what_was_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert Engine("unix:///x").warning == ""
    (tmp_path / "config.json").write_text("{")
    assert Engine("unix:///x").warning.startswith("Error parsing config file (")


# --- headers ------------------------------------------------------------------------------------


RESERVED = (
    *("host", "User-agent", "content-length", "Transfer-Encoding", "trailer"),
    *("Connection", "upgrade"),
)


@pytest.mark.parametrize(
    ("content", "variable", "headers"),
    [
        ("{}", "", {}),
        ('{"HttpHeaders": {"x-token": "abc"}}', "", {"X-Token": "abc"}),
        ('{"httpheaders": {"X-TOKEN": " é\\t"}}', "", {"X-Token": " é\t"}),
        ('{"HttpHeaders": {"A": null, "B": "x"}}', "", {"A": "", "B": "x"}),
        ('{"HttpHeaders": {"A": "1"}, "HTTPHEADERS": {"B": "2"}}', "", {"A": "1", "B": "2"}),
        ('{"HttpHeaders": {"a": "1", "A": "2"}}', "", {"A": "2"}),
        (
            json.dumps({"HttpHeaders": dict.fromkeys(RESERVED, "x") | {"A": "1"}}),
            "",
            {"A": "1"},
        ),
        # The variable takes the place of all.
        ('{"HttpHeaders": {"A": "1"}}', "b=1, c = 2 ", {"B": "1", "C": " 2 "}),
        ("{}", '"d=x,y",e=""f', None),
        ("{}", '"d=x,y",e=f=g', {"D": "x,y", "E": "f=g"}),
        ("{}", '"d=a ""b"""', {"D": 'a "b"'}),
        ("{}", "b=,c=1\nd=2", {"B": "", "C": "1"}),
        ("{}", "b", None),
        ("{}", "=b", None),
        ("{}", "a=1,", None),
        ("{}", 'b="', None),
        ("{}", '"b=1', None),
        ("{}", '"b=1"x', None),
        ("{}", "a b=1", None),
        ("{}", "a=\x01", None),
        ('{"HttpHeaders": {"a b": "x"}}', "", None),
        ('{"HttpHeaders": {"": "x"}}', "", None),
        ('{"HttpHeaders": {"a\\r\\nEvil": "x"}}', "", None),
        ('{"HttpHeaders": {"a": "x\\r\\nEvil: 1"}}', "", None),
        ('{"HttpHeaders": {"é": "x"}}', "", None),
    ],
)
def test_case_http_headers(
    read: Read, content: str, variable: str, headers: dict[str, str] | None
) -> None:
    config = read(content)
    environ = {"DOCKER_CUSTOM_HEADERS": variable}
    if headers is not None:
        assert config.http_headers(environ) == headers
        request_head("GET", "/x", headers, b"")
        return
    origin = "DOCKER_CUSTOM_HEADERS" if variable else f"HttpHeaders in {config.path}"
    with pytest.raises(ConfigError, match=f"^{origin}: ") as refused:
        config.http_headers(environ)
    assert "\n" not in str(refused.value)


def test_a_header_that_cannot_be_sent_does_not_show_its_value(read: Read) -> None:
    with pytest.raises(ConfigError) as refused:
        read('{"HttpHeaders": {"A": "secret\\n"}}').http_headers({})
    assert "secret" not in str(refused.value)


def test_case_http_headers_are_sent_with_every_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text(
        '{"HttpHeaders": {"x-token": "abc", "Content-type": "x", "user-agent": "x"}}'
    )
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    answers = {"/wait": json_answer({"StatusCode": 0}), "/volumes/create": json_answer({})}
    fake = FakeEngine(log([frame(1, b"one\n")]), answers=answers)

    async def ask(engine: Engine) -> None:
        await engine.containers.inspect("web")
        await engine.containers.wait("web")
        await engine.volumes.create("v")
        async for _ in engine.containers.logs("web").batches():
            pass

    talk(fake, ask)
    assert len(fake.heads) == 6  # a ping, too, and a look at the container
    for head in fake.heads:
        assert head.count(b"\r\nX-Token: abc\r\n") == 1
        assert head.lower().count(b"\r\nuser-agent: ") == 1
        assert head.lower().count(b"\r\ncontent-type: ") == 1
        assert (b"application/json" in head) == (b"/volumes/create" in head)
    # Without an event loop, too.
    fake = FakeEngine(log([frame(1, b"one\n")]))
    with fake:
        result = lobtail(fake.host, "logs", "web", env={"DOCKER_CONFIG": str(tmp_path)})
        assert result.code == 0
    assert all(b"\r\nX-Token: abc\r\n" in head for head in fake.heads)


# --- endpoints ----------------------------------------------------------------------------------


def test_case_odd_endpoints_a_user_of_a_directory() -> None:
    endpoint = parse_host("ssh://user@dom.example@far:22/run/x", "--host")
    assert (endpoint.user, endpoint.host) == ("user@dom.example", "far")
    assert endpoint.url == "ssh://user@dom.example@far:22/run/x"
    assert parse_host(endpoint.url, "--host") == endpoint
    command = _command("ssh", endpoint, podman=False)
    assert command[command.index("-l") + 1] == "user@dom.example"
    assert command[command.index("--") + 1] == "far"


@pytest.mark.parametrize(
    ("host", "user", "url"),
    [
        ("ssh://a%40b@far", "a@b", "ssh://a@b@far"),
        ("ssh://a%2Fb%3A@far", "a/b:", "ssh://a%2Fb%3A@far"),
        ("ssh://-oProxyCommand=x@far", "-oProxyCommand=x", "ssh://-oProxyCommand=x@far"),
        ("ssh://a%FF@far", "a\udcff", "ssh://a%FF@far"),
        ("ssh://far/a:b@c", "", "ssh://far/a:b@c"),
    ],
)
def test_users_of_ssh(host: str, user: str, url: str) -> None:
    endpoint = parse_host(host, "--host")
    assert endpoint.user == user
    assert parse_host(endpoint.url, "--host") == endpoint


@pytest.mark.parametrize("host", ["ssh://a%00b@far", "ssh://@far", "ssh://a@b@", "ssh://@@far:x"])
def test_users_that_ssh_cannot_be_given(host: str) -> None:
    with pytest.raises(ConfigError):
        parse_host(host, "--host")


def meta(folder: Path, name: str, host: str, **more: Any) -> None:
    folder.mkdir(parents=True)
    described = {"Name": name, "Endpoints": {"docker": {"Host": host}}, **more}
    (folder / "meta.json").write_text(json.dumps(described))


def test_case_odd_endpoints_a_context_in_an_odd_folder(tmp_path: Path) -> None:
    folder = tmp_path / "contexts" / "meta" / "plain"
    meta(folder, "foo", "unix:///nowhere")
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    with pytest.raises(ConfigError) as refused:
        resolve(None, environ, context="foo")
    text = str(refused.value)
    assert text.startswith(
        f"there is no docker context 'foo' (--context): one of that name is in {folder}"
    )
    assert "there is foo" not in text
    # Nor is it offered to those who look for another.
    with pytest.raises(ConfigError, match="there is none but the default one"):
        resolve(None, environ, context="bar")
    assert list_contexts(environ) == []


def test_a_context_is_read_in_whatever_case(tmp_path: Path) -> None:
    folder = tmp_path / "contexts" / "meta" / sha256(b"odd").hexdigest()
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(
        '{"name": "odd", "ENDPOINTS": {"docker": {"host": "tcp://h:1", "skiptlsverify": true}}}'
    )
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    endpoint = resolve(None, environ, context="odd")
    assert (endpoint.url, endpoint.tls) == ("tcp://h:1", Tls(verify=False))
    assert list_contexts(environ) == [("odd", "tcp://h:1")]


@pytest.mark.parametrize("name", ["../../x", "a\0b", "\ud800", "x" * 5000, "\x1b[2J\n"])
def test_odd_names_of_contexts(name: str, tmp_path: Path) -> None:
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    with pytest.raises(ConfigError, match="there is no docker context") as refused:
        resolve(None, environ, context=name)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_case_fifo_beside_as_a_context(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "contexts" / "meta" / sha256(b"odd").hexdigest()
    folder.mkdir(parents=True)
    path = folder / "meta.json"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    assert list_contexts(environ) == []
    with pytest.raises(ConfigError, match="not a regular file"):
        resolve(None, environ, context="odd")
    with pytest.raises(ConfigError, match="there is none but the default one"):
        resolve(None, environ, context="other")


@pytest.mark.parametrize("path", ["a\0b", "pipe", "/dev/zero", "folder"])
def test_case_fifo_beside_as_files_of_tls(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("folder").mkdir()
    with pytest.raises(ConfigError, match="TLS needs the file"):
        client_context(Tls(ca=path))
