"""Engines that refuse, and servers that are no engines: one line each, exit 1."""

from __future__ import annotations

import pytest

from faults.command import line_of, lobtail
from faults.fake_engine import (
    ID,
    LAST,
    FakeEngine,
    Script,
    Step,
    answer,
    chunk,
    cut,
    frame,
    head,
    json_answer,
    log,
    log_head,
    repeat,
    stall,
)

ONE = frame(1, b"one\n")
NOT_HTTP = "lobtail: the server does not speak HTTP, it sent {!r}: is this the engine's endpoint?"
REASONS = {
    400: "Bad Request",
    404: "Not Found",
    409: "Conflict",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
}


def refused(path: str, script: Script, *args: str) -> str:
    """Return the line that `logs` says when `path` is answered so; stdout stays empty."""
    with FakeEngine(log([ONE]), answers={path: script}) as engine:
        result = lobtail(engine.host, *(args or ("logs", "web")))
    assert result.stdout == b""
    return line_of(result)


@pytest.mark.parametrize("status", REASONS)
@pytest.mark.parametrize("path", ["/json", "/logs"])
def test_row_7_json(status: int, path: str) -> None:
    script = json_answer({"message": "the engine's\nown  words: é\n"}, status, REASONS[status])
    assert refused(path, script) == "Error response from daemon: the engine's own words: é"


@pytest.mark.parametrize("status", REASONS)
def test_row_7_plain_text(status: int) -> None:
    script = answer(
        "the engine's\n own words\n", status, REASONS[status], content_type="text/plain"
    )
    assert refused("/logs", script) == "Error response from daemon: the engine's own words"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{}", "500 Oops, without a word"),
        (b'{"message": ""}', "500 Oops, without a word"),
        (b"", "500 Oops, without a word"),
        (b" \n", "500 Oops, without a word"),
        (b'{"message": null}', '{"message": null}'),
        (b'{"message": ["a"]}', '{"message": ["a"]}'),
        (b'{"message": "half', '{"message": "half'),
        (b'{"message": "\xff"}', '{"message": "\ufffd"}'),
        (b'{"message": "a\\ud800"}', '{"message": "a\\ud800"}'),
        (b"[]", "[]"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b'{"message": "first", "message": "second"}', "second"),
    ],
)
def test_row_7_odd_bodies(body: bytes, words: str) -> None:
    assert refused("/json", answer(body, 500, "Oops")) == f"Error response from daemon: {words}"


def test_row_15_json_nested_deep() -> None:
    line = refused("/json", answer(b'{"a":' * 100_000, 500, "Oops"))
    assert line.startswith('Error response from daemon: {"a":{"a":')
    assert len(line) < 2100


def test_row_15_inspect_nested_deep() -> None:
    line = refused("/json", answer(b'{"Id":"x","Extra":' + b"[" * 100_000))
    assert line.startswith("lobtail: the answer to /containers/web/json is not what an engine")


def test_row_7_html_page_of_a_proxy() -> None:
    page = "<!DOCTYPE html>\n<html><head><title>502 Bad\n&amp; Gateway</title></head></html>"
    assert refused("/json", answer(page, 502, "Bad Gateway", content_type="text/html")) == (
        "Error response from daemon: 502 Bad Gateway: an HTML page titled '502 Bad & Gateway', "
        "which no engine sends; is a proxy in between?"
    )


def test_row_7_html_page_without_a_title() -> None:
    assert refused("/logs", answer("<HTML><body>x</body>", 503, "Busy")) == (
        "Error response from daemon: 503 Busy: an HTML page, which no engine sends; "
        "is a proxy in between?"
    )


@pytest.mark.parametrize(
    "body", ["<html><title>Welcome</title></html>", "", "[]", "null", '{"Name": "/web"}', "{"]
)
def test_row_7_what_is_no_inspect_answer(body: str) -> None:
    line = refused("/json", answer(body))
    assert line.startswith(
        "lobtail: the answer to /containers/web/json is not what an engine sends: "
    )
    assert line.endswith(f"; it begins with {body.encode()[:40]!r}")


def test_row_7_html_on_every_path() -> None:
    page = answer("<html><title>Welcome</title></html>", content_type="text/html")
    with FakeEngine(answers={"": page}) as engine:
        result = lobtail(engine.host, "logs", "web")
    assert "is not what an engine sends" in line_of(result)


def test_row_7_ps_of_what_is_no_list() -> None:
    line = refused("/containers/json", answer("<html></html>"), "ps")
    assert line.startswith("lobtail: the answer to /containers/json is not what an engine sends: ")


@pytest.mark.parametrize(
    "banner",
    [
        b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
        b"220 mail.example ESMTP\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
        b"HTTP/9.9 x\r\n\r\n",
        bytes(range(256)),
    ],
    ids=["ssh", "smtp", "tls-alert", "odd-http", "bytes"],
)
@pytest.mark.parametrize("end", [cut, stall])
def test_row_7_no_http_at_all(banner: bytes, end: Step) -> None:
    assert refused("/_ping", [banner, end]) == NOT_HTTP.format(banner[:40])


def test_row_7_a_server_that_speaks_first() -> None:
    with FakeEngine(greeting=[b"SSH-2.0-OpenSSH_9.2\r\n", stall]) as engine:
        result = lobtail(engine.host, "logs", "web")
    assert line_of(result) == NOT_HTTP.format(b"SSH-2.0-OpenSSH_9.2\r\n")


def test_row_7_a_server_that_answers_in_the_old_http() -> None:
    # HTTP/0.9: a page without a head.
    line = refused("/_ping", [b"<html>hello</html>", cut])
    assert line == NOT_HTTP.format(b"<html>hello</html>")


def test_row_7_redirect() -> None:
    script = [head(302, "Found", location="https://example.com/", content_length=0)]
    assert refused("/json", script) == "Error response from daemon: 302 Found, without a word"


def test_row_7_upgrade() -> None:
    script: Script = [head(101, "UPGRADED", connection="Upgrade", upgrade="tcp"), ONE, stall]
    assert refused("/logs", script) == (
        "lobtail: the engine switched protocols without being asked to"
    )


def test_row_4_a_head_without_end() -> None:
    script = [b"HTTP/1.1 200 OK\r\n", repeat(b"X-Y: " + b"z" * 1000 + b"\r\n")]
    assert refused("/logs", script) == "lobtail: the head of the answer is longer than 65536 bytes"


def test_row_4_a_header_without_end() -> None:
    script = [b"HTTP/1.1 200 OK\r\nX-Y: ", repeat(b"z" * 1000)]
    assert refused("/logs", script) == "lobtail: the head of the answer is longer than 65536 bytes"


def test_row_4_interim_answers_without_end() -> None:
    script = [repeat(b"HTTP/1.1 100 Continue\r\n\r\n")]
    assert refused("/logs", script) == "lobtail: the head of the answer is longer than 65536 bytes"


def test_row_4_an_error_without_end() -> None:
    script = [head(500, "Oops", transfer_encoding="chunked"), repeat(chunk(b"x" * 65536))]
    # What matters of it stands at the beginning.
    assert refused("/json", script) == f"Error response from daemon: {'x' * 2000}"


@pytest.mark.parametrize(
    ("start", "more"),
    [(b"0\r\n", b"X-Y: " + b"z" * 1000 + b"\r\n"), (b"5;x=", b"y" * 1000)],
    ids=["trailers", "chunk-extension"],
)
@pytest.mark.parametrize("follow", [(), ("-f",)])
def test_row_4_bytes_without_content(start: bytes, more: bytes, follow: tuple[str, ...]) -> None:
    with FakeEngine([log_head(), chunk(ONE), start, repeat(more)]) as engine:
        result = lobtail(engine.host, "logs", *follow, "web")
    assert result.stdout == b"one\n"
    assert line_of(result).endswith(" bytes without content")


@pytest.mark.parametrize("bad", [b"zz\r\n", b"-5\r\n", b"\r\n", b"5\rX", b"f" * 20 + b"\r\n"])
def test_row_7_a_chunk_size_that_is_none(bad: bytes) -> None:
    with FakeEngine([log_head(), chunk(ONE), bad, stall]) as engine:
        result = lobtail(engine.host, "logs", "web")
    assert result.stdout == b"one\n"
    assert line_of(result).startswith("lobtail: the engine's answer is broken HTTP: ")


def test_row_2_unknown_stream() -> None:
    with FakeEngine(log([ONE, frame(9, b"x")])) as engine:
        result = lobtail(engine.host, "logs", "web")
    assert result.stdout == b"one\n"
    assert line_of(result) == (
        "lobtail: unrecognized stream type 9 at byte 12: these are not multiplexed frames; "
        "a container with a TTY sends raw bytes, which need no decoder"
    )


def test_row_2_a_terminals_text_where_frames_are_promised() -> None:
    with FakeEngine(log([b"root@web:/# ls\r\n"])) as engine:
        result = lobtail(engine.host, "logs", "web")
    assert result.stdout == b""
    line = line_of(result)
    assert line.startswith("lobtail: unrecognized stream type 114 ('r') at byte 0: ")
    assert "TTY" in line


@pytest.mark.parametrize("size", [2**31, 2**32 - 1])
def test_row_4_a_huge_declared_size(size: int) -> None:
    huge = b"\1\0\0\0" + size.to_bytes(4, "big")
    with FakeEngine(log([ONE, huge + b"abc"])) as engine:
        result = lobtail(engine.host, "logs", "web")
    assert result.stdout == b"one\n"
    assert line_of(result) == (
        f"lobtail: the stream ended inside a frame: got 3 of {size} payload bytes"
    )


def test_row_5_the_daemons_own_error() -> None:
    said = b"error grabbing logs:\n  log file\x07 gone\n"
    with FakeEngine(log([ONE, frame(2, b"two\n"), frame(3, said), ONE])) as engine:
        result = lobtail(engine.host, "logs", "web")
    assert result.stdout == b"one\n"
    assert result.code == 1
    first, *rest = result.stderr.decode().splitlines()
    assert first == "two"
    assert rest == ["error from daemon in stream: error grabbing logs: log file\x07 gone"]


def test_keep_alive_closed_between_two_requests() -> None:
    ping: Script = [head(api_version="1.45", content_length=2) + b"OK", cut]
    with FakeEngine(log([ONE]), answers={"/_ping": ping}) as engine:
        result = lobtail(engine.host, "logs", "--source", "api", "web")
    assert (result.stdout, result.stderr, result.code) == (b"one\n", b"", 0)
    assert engine.connections == 2


def test_keep_alive_refused_by_the_engine() -> None:
    ping = answer("OK", api_version="1.45", connection="close")
    with FakeEngine(log([ONE]), answers={"/_ping": ping}) as engine:
        result = lobtail(engine.host, "logs", "--source", "api", "web")
    assert (result.stdout, result.stderr, result.code) == (b"one\n", b"", 0)
    assert engine.connections == 2


def test_one_connection_does_it_all() -> None:
    with FakeEngine(log([ONE])) as engine:
        assert lobtail(engine.host, "logs", "--source", "api", "web").code == 0
    assert engine.connections == 1
    assert engine.requests == [
        "/_ping",
        "/v1.45/containers/web/json",
        f"/v1.45/containers/{ID}/logs?tail=all&stdout=1&stderr=1",
    ]


@pytest.mark.parametrize(
    "junk",
    [b"junk", b"\0" * 100, *answer('{"Id": "other"}', api_version="1.10")],
    ids=["text", "nul", "answer"],
)
def test_junk_behind_an_answer(junk: Step) -> None:
    assert isinstance(junk, bytes)
    ping = [head(api_version="1.45", content_length=2) + b"OK" + junk]
    inspect = json_answer({"Id": ID})[0]
    assert isinstance(inspect, bytes)
    with FakeEngine(log([ONE]), answers={"/_ping": ping, "/json": [inspect + junk]}) as engine:
        result = lobtail(engine.host, "logs", "--source", "api", "web")
    assert (result.stdout, result.stderr, result.code) == (b"one\n", b"", 0)
    assert engine.connections == 3
    assert engine.requests[-1].startswith(f"/v1.45/containers/{ID}/")


def test_junk_behind_the_log() -> None:
    with FakeEngine([log_head() + chunk(ONE) + LAST + b"junk"]) as engine:
        result = lobtail(engine.host, "logs", "--source", "api", "web")
    assert (result.stdout, result.stderr, result.code) == (b"one\n", b"", 0)


@pytest.mark.parametrize(
    "args", [("logs", b"\xff/\xfe"), ("logs", "-n", b"\xff", "web"), ("frames", b"a\xffb")]
)
def test_row_12_arguments_that_are_not_utf_8(args: tuple[str | bytes, ...]) -> None:
    with FakeEngine(log([ONE]), answers={"/json": json_answer({"message": "no"}, 404)}) as engine:
        result = lobtail(engine.host, *args)
    assert line_of(result) == "Error response from daemon: no"
    if args[0] == "logs" and len(args) == 2:
        assert "/v1.45/containers/%FF%2F%FE/json" in engine.requests


@pytest.mark.parametrize("reads", ["whole", "junk behind the answer", "cut", "refused"])
def test_what_an_inspection_may_answer(reads: str) -> None:
    whole = json_answer({"Id": ID})[0]
    assert isinstance(whole, bytes)
    scripts: dict[str, Script] = {
        "whole": [whole],
        "junk behind the answer": [whole + b"junk"],
        "cut": [whole[:-4], cut],
        "refused": answer('{"message": "No such container: web"}', 404, "Not Found"),
    }
    with FakeEngine(log([ONE]), answers={"/json": scripts[reads]}) as engine:
        result = lobtail(engine.host, "logs", "web")
    assert b"Traceback" not in result.stderr
    if reads in ("whole", "junk behind the answer"):
        assert (result.stdout, result.stderr, result.code) == (b"one\n", b"", 0)
    else:
        assert (result.stdout, result.code) == (b"", 1)
        line_of(result)
