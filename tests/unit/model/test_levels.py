"""The level of lines as real programs write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.errors import ConfigError
from lobtail.model.fields import MAX_BYTES
from lobtail.model.levels import Level, detect_level, detect_levels
from support.programs import FOLDER, Program, programs

PROGRAMS = [pytest.param(program, id=program.name) for program in programs()]
CASES = [
    line.split("\t", 1)
    for line in Path(__file__).with_name("levels.tsv").read_text("utf-8").splitlines()
    if not line.startswith("# ")
]

TRACE, DEBUG, INFO = Level.TRACE, Level.DEBUG, Level.INFO
WARN, ERROR, FATAL, UNKNOWN = Level.WARN, Level.ERROR, Level.FATAL, Level.UNKNOWN


@pytest.mark.parametrize(
    ("raw", "level"),
    [
        (b'{"level":"error","msg":"x"}', ERROR),
        (b'\xef\xbb\xbf {"level":"error"}', ERROR),
        (b'{"level":30,"time":1714560000000,"pid":1,"msg":"pino"}', INFO),
        (b'{"level":35}', INFO),
        (b'{"level":"60"}', FATAL),
        (b'{"level":true}', UNKNOWN),
        (b'{"level":3}', UNKNOWN),
        (b'{"level":70}', UNKNOWN),
        (b'{"level":30.5}', UNKNOWN),
        (b'{"level":null,"severity":"WARNING"}', WARN),
        (b'{"level":["error"]}', UNKNOWN),
        (b'{"lvl":"eror"}', ERROR),
        (b'{"severity":"EMERGENCY","message":"gcp"}', FATAL),
        (b'{"severity":"DEFAULT"}', UNKNOWN),
        (b'{"@timestamp":"x","log.level":"warn","message":"ecs"}', WARN),
        (b'{"@timestamp":"x","log":{"level":"warn","logger":"x"}}', WARN),
        (b'{"log":"an ERROR","stream":"stderr"}', UNKNOWN),
        (b'{"level":"error","log":{"level":[]}}', ERROR),
        (b'{"@t":"2024-05-01T12:00:00Z","@mt":"x","@l":"Warning"}', WARN),
        (b'{"@t":"2024-05-01T12:00:00Z","@mt":"no level is information"}', INFO),
        (b'{"EventId":14,"LogLevel":"Information","Category":"x"}', INFO),
        (b'{"Level":"Fatal"}', FATAL),
        (b'{"levelname":"CRITICAL","levelno":50}', FATAL),
        (b'{"levelno":40}', ERROR),
        (b'{"message":"x","level":400,"level_name":"ERROR"}', ERROR),
        (b'{"time":"x","level":"DEBUG-4","msg":"slog"}', DEBUG),
        (b'{"severityText":"WARN"}', WARN),
        (b'{"t":{"$date":"x"},"s":"E","c":"NETWORK","msg":"mongo"}', ERROR),
        (b'{"t":{"$date":"x"},"s":"D2","c":"-"}', DEBUG),
        (b'{"s":"E","c":"no t"}', UNKNOWN),
        # The line's own level counts, not what is inside.
        (b'{"request":{"level":"x"},"level":"error"}', ERROR),
        (b'{"request":{"level":"error"},"level":"info"}', INFO),
        (b'{"request":{"level":"error"}}', UNKNOWN),
        (b'{"msg":"level=error"}', UNKNOWN),
        (b'{"msg":"{\\"level\\":\\"error\\"}"}', UNKNOWN),
        (b'{"msg":"an ERROR: x"}', UNKNOWN),
        (b'{"level":"info","level":"error"}', ERROR),
        (b'{"msg":"' + b"x" * 9999 + b'","level":"error"}', ERROR),
        # Cut short by its writer: text, which may name a level all the same.
        (b'{"level":"error","msg":"cut he', ERROR),
        (b'app | {"level":"error"}', ERROR),
    ],
)
def test_json(raw: bytes, level: Level) -> None:
    assert detect_level(raw) is level


@pytest.mark.parametrize(
    ("raw", "level"),
    [
        (b'time="2024-05-01T12:00:00Z" level=fatal msg="x"', FATAL),
        (b"ts=1 caller=main.go:12 level=info component=tsdb", INFO),
        (b"t=1 lvl=eror msg=x", ERROR),
        (b'level="warning" msg=x', WARN),
        (b"time=1 level=ERROR+2 msg=slog", ERROR),
        (b"log_level=debug", DEBUG),
        (b"log.level=debug", DEBUG),
        (b"2024-05-01T12:00:00.000000Z 0 [Warning] [MY-010068] [Server] CA is self signed", WARN),
        (b"2024-05-01 12:00:00 0 [Note] InnoDB: x", INFO),
        (b"2024-05-01 12:00:00+00:00 [ERROR] [Entrypoint]: x", ERROR),
        (b"2024/01/01 12:00:00 [error] 31#31: *1 open() failed (2: No such file)", ERROR),
        (b"[Mon Jan 01 12:00:00.123 2024] [core:error] [pid 1:tid 1] AH00123: x", ERROR),
        (b"[Mon Jan 01 12:00:00.123 2024] [mpm_event:notice] [pid 1:tid 1] AH00489: x", INFO),
        (b"2024-01-01 12:00:00.000 UTC [31] ERROR:  relation does not exist", ERROR),
        (b"2024-01-01 12:00:00.000 UTC [31] LOG:  an ERROR", INFO),
        (b"2024-01-01 12:00:00.000 UTC [31] PANIC:  x", FATAL),
        (b"INFO:     Started server process [1]", INFO),
        (b"WARNING:root:msg", WARN),
        (b"2024-01-01 12:00:00,123 - my.name - ERROR - msg", ERROR),
        (b"[2024-01-01 12:00:00 +0000] [1] [INFO] Booting worker", INFO),
        (b"[2024-01-01 12:00:00,123: ERROR/MainProcess] celery", ERROR),
        (b"2024-01-01 12:00:00.123 | WARNING  | a:b:1 - loguru", WARN),
        (b"E0312 12:34:56.789012       1 reflector.go:138] Failed", ERROR),
        (b"I0312 12:34:56.789012       1 a.go:1] an ERROR", INFO),
        (b"W20240312 12:34:56.789012 1 glog.cc:1] x", WARN),
        (b"F0312 12:34:56.789012 1 a.go:1] x", FATAL),
        (b"<3>eth0: link down", ERROR),
        (b"<11>1 2024-05-01T12:00:00Z host app 1 - - message", ERROR),
        (b"<0>x", FATAL),
        (b"<2>x", FATAL),
        (b"<4>x", WARN),
        (b"<5>x", INFO),
        (b"<191>x", DEBUG),
        (b"2024-01-01 12:00:00,123 [main] WARN  c.e.Foo - message", WARN),
        (b"12:00:00.000 [http-nio-8080-exec-1] TRACE c.e.Foo - message", TRACE),
        (b"2024-01-01T12:00:00.000Z  WARN 1 --- [  main] o.s.b.Spring : x", WARN),
        (b"[2024-01-01T12:00:00,123][WARN ][o.e.c.Elastic] [node] x", WARN),
        (b"01-Jan-2024 12:00:00.000 SEVERE [main] tomcat", ERROR),
        (b"E, [2024-01-01T12:00:00.123456 #1] ERROR -- : ruby", ERROR),
        (b"[2024-01-01 12:00:00] production.ERROR: monolog", ERROR),
        (b"[01-Jan-2024 12:00:00 UTC] PHP Fatal error:  Uncaught x", FATAL),
        (b"PHP Warning:  x", WARN),
        (b"[01-Jan-2024 12:00:00] NOTICE: fpm is running, pid 1", INFO),
        (b"1:M 01 Jan 2024 12:00:00.000 # Warning: x", WARN),
        (b"1:M 01 Jan 2024 12:00:00.000 * Ready to accept connections", INFO),
        (b"2024-01-01T00:00:00.123456Z  WARN my_crate::module: msg", WARN),
        (b"[2024-01-01T00:00:00Z ERROR my_crate] env_logger", ERROR),
        (b"2024-01-01T00:00:00Z E! [inputs.cpu] telegraf", ERROR),
        (b"2024-01-01T00:00:00.000Z\tERROR\tcaller/x.go:1\tmsg", ERROR),
        (b"2024-01-01T00:00:00.000Z\terror\tcaller/x.go:1\tmsg", ERROR),
        (b"2024-01-01T00:00:00Z ERR zerolog", ERROR),
        (b"2024-01-01T00:00:00.000Z [INFO]  agent: consul", INFO),
        (b"[1] 2024/01/01 12:00:00.000000 [INF] nats", INFO),
        (b"2024-01-01 12:00:00.000 [info] <0.1.0> rabbit", INFO),
        (b"[NOTICE]   (1) : New worker (8) forked", INFO),
        (b"2024.01.01 12:00:00.000 [ 1 ] {} <Error> Application: clickhouse", ERROR),
        (b"npm ERR! code ELIFECYCLE", ERROR),
        (b"npm error code ELIFECYCLE", ERROR),
        (b"npm WARN deprecated x", WARN),
        (b"fail: Microsoft.Hosting.Lifetime[14]", ERROR),
        (b"info: Microsoft.Hosting.Lifetime[14]", INFO),
        (b"warn: x", WARN),
        (b"crit: x", FATAL),
        (b"dbug: x", DEBUG),
        (b"trce: x", TRACE),
        (b"panic: runtime error: index out of range", FATAL),
        (b"Error: Cannot find module 'x'", ERROR),
        (b"2024-01-01T12:00:00.000Z error: winston", ERROR),
        (b"2024-01-01 12:00:00 error: winston", ERROR),
        (b"postfix/smtpd[123]: warning: hostname x does not resolve", WARN),
        (b"[12:00:00 ERR] serilog", ERROR),
        (b"\x1b[31mERROR\x1b[0m x", ERROR),
        (b"\x1b[31merror\x1b[39m: x", ERROR),
        (b"\x1b[40m\x1b[32minfo\x1b[39m\x1b[22m\x1b[49m: x", INFO),
        (b"2024/01/01 12:00:00.000\t\x1b[34mINFO\x1b[0m\tcaddy", INFO),
        (b"[\x1b[33mwarn\x1b[0m] x", WARN),
        (b"level: error", ERROR),
        (b"ERROR", ERROR),
        (b"ERROR\r", ERROR),
        (b"[a][b][ main ][error] x", ERROR),
    ],
)
def test_text(raw: bytes, level: Level) -> None:
    assert detect_level(raw) is level


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"no errors found",
        b"error handling is off",
        b"info about the debug mode",
        b"select * from INFORMATION_SCHEMA.tables",
        b"INFORMATION_SCHEMA",
        b'172.17.0.1 - - "GET /error HTTP/1.1" 200',
        b"GET /ERROR HTTP/1.1",
        b"level=",
        b"level= error",
        b"level=high",
        b"level:",
        b"[errors]",
        b"[error",
        b"WARNINGS",
        b"3 WARNINGS found",
        b"LOGGING",
        b"the LOG: x",
        b"DEBUG=1",
        b"status=ERROR x",
        b"java.lang.Level.ERROR is set",
        b"/var/log/ERROR.txt",
        b"foo-ERROR bar",
        b"xERROR: y",
        b"<999>x",
        b"<a>",
        b"E0312",
        b"E031 12:34:56",
        b"info",
        b"errors: 0",
        b"x" * 256 + b" ERROR: too far behind",
    ],
)
def test_prose_has_no_level(raw: bytes) -> None:
    assert detect_level(raw) is UNKNOWN


def test_the_first_level_in_the_line_wins() -> None:
    assert detect_level(b"12:00 WARN ERROR [info]") is WARN
    assert detect_level(b"12:00 [info] ERROR") is INFO


@pytest.mark.parametrize(
    ("text", "level"),
    [
        *((level.name, level) for level in Level),
        ("error", ERROR),
        (" Warning ", WARN),
        ("WRN", WARN),
        ("silly", TRACE),
        ("verbose", TRACE),
        ("dbg", DEBUG),
        ("notice", INFO),
        ("log", INFO),
        ("eror", ERROR),
        ("err", ERROR),
        ("critical", FATAL),
        ("panic", FATAL),
        ("emerg", FATAL),
        ("alert", FATAL),
        ("30", INFO),
        ("60", FATAL),
        ("<3>", ERROR),
        ("<0>", FATAL),
        ("<7>", DEBUG),
    ],
)
def test_names_of_levels(text: str, level: Level) -> None:
    assert Level.parse(text) is level


@pytest.mark.parametrize("text", ["", "x", "errors", "3", "0", "70", "<8>", "<>", "²0", "error!"])
def test_an_unknown_name_of_a_level_is_a_fault_of_the_user(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Level.parse(text)
    assert str(caught.value) == (
        f"no level is called {text!r}: use one of unknown, trace, debug, info, warn, error, fatal"
    )


def test_row_15_of_equal_keys_the_last_wins() -> None:
    assert detect_level(b'{"level":"info","level":"error"}') is ERROR
    assert detect_level(b'{"level":"error","level":null}') is UNKNOWN


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("raw", "level"),
    [
        (b'{"a":' * 10_000, UNKNOWN),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, UNKNOWN),
        (b'{"level":' + b"[" * 10_000 + b"]" * 10_000 + b"}", UNKNOWN),
        (b'{"level":1e400}', UNKNOWN),
        (b'{"level":' + b"9" * 10_000 + b"}", UNKNOWN),
        (b'{"level":NaN,"lvl":"error"}', ERROR),
        (b'{"level":"\xff","lvl":"error"}', ERROR),
        # Text, so that a level at the front is found, and one behind the window is not.
        (b'{"level":"error","a":"' + b"x" * (10 << 20) + b'"}', ERROR),
        (b'{"a":"' + b"x" * (10 << 20) + b'","level":"error"}', UNKNOWN),
        (b"{" * MAX_BYTES, UNKNOWN),
    ],
    ids=lambda value: value[:20].decode("latin-1") if isinstance(value, bytes) else None,
)
def test_row_15_what_is_not_json_within_bounds_is_searched_as_text(
    raw: bytes, level: Level
) -> None:
    assert detect_level(raw) is level


PIECES = st.sampled_from(
    [b"ERROR", b"error", b"[", b"]", b":", b"=", b" ", b"level", b'"', b"{", b"}", b",", b"<3>"]
) | st.sampled_from(
    [b"\x1b[1m", b"\t", b"I0312", b"12:00:00", b"30", b"PHP Warning", b".", b"\xff", b"@l"]
)


@given(st.binary() | st.lists(PIECES).map(b"".join))
def test_no_bytes_make_it_fail(raw: bytes) -> None:
    assert isinstance(detect_level(raw), Level)


@given(st.lists(st.binary() | st.lists(PIECES).map(b"".join), max_size=5))
def test_lines_together_have_the_levels_of_each(raws: list[bytes]) -> None:
    assert detect_levels(raws) == list(map(detect_level, raws))


@pytest.mark.parametrize("room", ["", "x" * 250])
def test_a_line_among_others_without_a_level(room: str) -> None:
    for _, line in CASES:
        raw = (room + line.replace("<ESC>", "\x1b").replace("<TAB>", "\t")).encode()
        for raws in ([b"line 1", raw, b"line 2"], [raw], [b"", raw, b""]):
            assert detect_levels(raws) == list(map(detect_level, raws))


def test_each_line_of_a_program_among_others_without_a_level() -> None:
    raws = [line for program in programs() for entry in program.entries for line in entry.lines]
    for raw in raws:
        assert detect_levels([b"line 1", raw, b"line 2"])[1] == detect_level(raw), raw
    assert detect_levels(raws) == list(map(detect_level, raws))


def test_many_lines_have_the_levels_of_each() -> None:
    raws = [b"line %d" % i for i in range(500)]
    raws[130] = b"level=error"
    assert detect_levels(raws) == list(map(detect_level, raws))


@given(st.text())
def test_no_name_makes_parse_fail_otherwise(text: str) -> None:
    try:
        level = Level.parse(text)
    except ConfigError:
        return
    assert isinstance(level, Level)


@pytest.mark.parametrize(("right", "line"), CASES)
def test_case_levels(right: str, line: str) -> None:
    raw = line.replace("<ESC>", "\x1b").replace("<TAB>", "\t").encode()
    assert detect_level(raw).name.lower() in right.split("|")


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_levels_of_programs(program: Program) -> None:
    """The first line that has a level tells it, but for a document over several lines."""
    for entry in program.entries:
        levels = map(detect_level, (entry.lines[0], entry.text, *entry.lines))
        assert next(filter(None, levels), UNKNOWN).name.lower() == entry.level


@pytest.mark.parametrize("raw", (FOLDER.parent / "no_level.txt").read_bytes().splitlines())
def test_no_false_alarm(raw: bytes) -> None:
    assert detect_level(raw) is UNKNOWN


@pytest.mark.parametrize(
    ("status", "level"),
    [
        ("200", UNKNOWN),
        ("302", UNKNOWN),
        ("404", WARN),
        ("499", WARN),
        ("500", ERROR),
        ("-", UNKNOWN),
    ],
)
@pytest.mark.parametrize(
    "form",
    [
        '10.0.0.9 - - [01/May/2024:12:00:00 +0000] "GET /500 HTTP/1.1" % 404',
        '10.0.0.9 - - [01/May/2024:12:00:00 +0000] "GET /500\\" 500 HTTP/1.1" % 404 "-" "ERROR"',
        '10.0.0.9 - - [01/May/2024:12:00:00 +0000] "GET /' + "x" * 4000 + ' HTTP/1.1" % 404',
        'shop:80 10.0.0.9 - - [01/May/2024:12:00:00 +0000] "GET /500 HTTP/1.1" % 404 "-" "curl"',
        '[01/May/2024 12:00:00] "GET /500 HTTP/1.1" % 404',
        '[2024-05-01T12:00:00.123Z] "GET /500 HTTP/1.1" % UF 404 0 - "curl"',
        '10.0.0.9 -  01/May/2024:12:00:00 +0000 "GET /500" %',
        "10.0.0.9:1 [01/May/2024:12:00:00.1] in shop/s1 0/0/1/12/13 % 404 - - ---- 1/1/0/0/0 0/0",
        '[GIN] 2024/05/01 - 12:00:00 | % |  1.2ms |  10.0.0.9 | GET "/500"',
        '{"method":"GET","uri":"/","status":"%"}',
    ],
)
def test_an_access_log_has_the_level_of_its_status(form: str, status: str, level: Level) -> None:
    assert detect_level(form.replace("%", status).encode()) is level


@pytest.mark.parametrize(
    "raw",
    [
        b'{"level":' * 30_000,
        b'{"level":{"level":{"level":"error"}}}',
        b'{"level":1e400}',
        b'{"level":NaN}',
        b'{"level":' + b"9" * 5000 + b"}",
        b'{"PRIORITY":"\xc2\xb2","severityNumber":-1e308,"levelno":1e9,"tags":[[],{},null]}',
        b"\x1b[31m",
        b"\x1b[" * 1000,
        b":" * 1000,
        b"[" * 1000,
        b"= level=" * 100,
        b"12:00:00 " * 100,
        b'{"level":"info","DownstreamStatus":' + b"9" * 5000 + b"}",
        b'{"method":"GET","status":[{}]}',
        b'{"resourceLogs":[{"severityNumber":99},{"severityNumber":0}]}',
        b'10.0.0.9 - - [01/May/2024:12:00:00 +0000] "' + b'\\" ' * 300_000,
        b"[pid: " + b"(" * 100_000,
    ],
)
def test_row_15_hostile_lines_have_some_level_or_none(raw: bytes) -> None:
    assert detect_level(raw) in Level
