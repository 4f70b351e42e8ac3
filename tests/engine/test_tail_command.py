"""`lobtail tail` on real engines, as it is used: selection, filters, formats, ends."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import uuid
from typing import Any

from support.engines import WAIT, TestEngine, finish, until
from support.programs import programs


def label() -> str:
    """Return a label that no other test's containers have."""
    return f"test={uuid.uuid4().hex}"


def texts(data: bytes) -> list[str]:
    return data.decode().splitlines()


def objects(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(text) for text in texts(data)]


def read_until(process: subprocess.Popen[bytes], last: str) -> list[str]:
    """Read lines of a command's stdout up to one that ends in `last`."""
    assert process.stdout is not None
    found: list[str] = []
    while not found or not found[-1].endswith(last):
        text = process.stdout.readline()
        assert text, f"it ended behind {found}"
        found.append(text.decode().removesuffix("\n"))
    return found


def test_many_containers_in_time_order_each_line_once(engine: TestEngine) -> None:
    mine = label()
    script = "for i in $(seq 150); do echo out $i; echo err $i >&2; usleep 500; done"
    names = [engine.start(script, "--label", mine) for _ in range(4)]
    for name in names:
        engine.wait(name)
    result = engine.run("lobtail", "tail", "-a", "-l", mine, "--no-follow", "-o", "json")
    assert (result.stderr, result.code) == (b"", 0)
    found = objects(result.stdout)
    for name in names:
        for stream, word in (("stdout", "out"), ("stderr", "err")):
            lines = [o["line"] for o in found if (o["container"], o["stream"]) == (name, stream)]
            assert lines == [f"{word} {i}" for i in range(1, 151)]
    # Engines stamp stdout and stderr side by side, so one container's lines may be out of order by
    # a little; the merge keeps them as they are, and sorts by the youngest time so far.
    youngest: dict[str, str] = {}
    keys = []
    for item in found:
        name = item["container"]
        youngest[name] = max(youngest.get(name, ""), item["time"])
        keys.append(youngest[name])
    assert keys == sorted(keys)


def test_selection_by_what_compose_and_docker_say(any_engine: TestEngine) -> None:
    project = f"p{uuid.uuid4().hex[:8]}"
    compose = "com.docker.compose"
    names = {
        service: any_engine.start(
            f"echo {service}",
            *("--label", f"{compose}.project={project}", "--label", f"{compose}.service={service}"),
        )
        for service in ("web", "db")
    }
    for name in names.values():
        any_engine.wait(name)

    def tail(*args: str) -> list[str]:
        args = ("tail", "--no-follow", "-o", "raw", "-a", "--project", project, *args)
        return sorted(texts(any_engine.run("lobtail", *args).stdout))

    assert tail() == ["db", "web"]
    assert tail("--service", "web") == ["web"]
    assert tail("--image", "lobtail-test") == ["db", "web"]
    assert tail("--image", "lobtail-test:latest") == ["db", "web"]
    assert tail("--image", "lobtail") == []
    assert tail("-E", names["web"]) == ["db"]
    assert tail("-w", f"project={project} and service!=db") == ["web"]
    identifier = any_engine.inspect(names["db"])["Id"]
    result = any_engine.run("lobtail", "tail", "--no-follow", "-o", "raw", identifier[:12])
    assert texts(result.stdout) == ["db"]


def test_filters_and_context(any_engine: TestEngine) -> None:
    script = """
    for i in 1 2 3 4 5 6 7 8 9; do echo "INFO: step $i"; done
    echo '{"level":"error","status":503,"msg":"no upstream"}' >&2
    for i in 1 2 3; do echo "  at frame $i" >&2; done
    echo 'level=warn took=3s msg="slow"'
    """
    name = any_engine.ended("filters", script)

    def tail(*args: str) -> list[str]:
        return texts(
            any_engine.run("lobtail", "tail", name, "--no-follow", "-o", "raw", *args).stdout
        )

    assert tail("--level", "error", "-A", "2")[0].startswith('{"level":"error"')
    frames = [f"  at frame {i}" for i in (1, 2, 3)]
    assert tail("--stream", "stderr", "--level", "error")[1:] == frames
    assert tail("--stream", "stderr", "-g", "frame 2")[1:] == frames
    single = ("--stream", "stderr", "--level", "error", "--no-group", "-A", "2")
    assert tail(*single)[1:] == frames[:2]
    assert tail("-w", "status>=500 or took>2s", "--stream", "stdout") == [
        'level=warn took=3s msg="slow"'
    ]
    assert tail("-i", "step [2-4]", "-e", "3") == ["INFO: step 2", "INFO: step 4"]
    assert tail("-g", "step 5", "-C", "1", "--stream", "stdout") == [
        f"INFO: step {i}" for i in (4, 5, 6)
    ]


def test_errors_of_spring_are_shown_with_their_traces_and_nothing_else(
    any_engine: TestEngine,
) -> None:
    (spring,) = (program for program in programs() if program.name == "spring-boot")
    # printf writes the lines of an entry at once, as Spring does.
    writes = [
        f"printf '%s\\n' {' '.join(shlex.quote(raw.decode()) for raw in entry.lines)}; sleep 0.2"
        for entry in spring.entries
    ]
    name = any_engine.ended("spring", "\n".join(writes))
    result = any_engine.run("lobtail", "tail", name, "--no-follow", "-o", "raw", "--level", "error")
    wanted = [entry for entry in spring.entries if entry.level in ("error", "fatal")]
    assert result.stdout == b"".join(entry.text + b"\n" for entry in wanted)


def test_long_lines_ttys_and_unterminated_ends(engine: TestEngine) -> None:
    long = engine.ended("long", "head -c 40000 /dev/zero | tr '\\0' x; echo; printf 'no newline'")
    (first, second) = objects(
        engine.run("lobtail", "tail", long, "--no-follow", "-o", "json").stdout
    )
    assert (len(first["line"]), first["partial"]) == (40000, False)
    assert (second["line"], second["unterminated"]) == ("no newline", True)
    terminal = engine.ended("terminal", "echo one; echo two", "-t")
    result = engine.run("lobtail", "tail", terminal, "--no-follow", "-o", "raw")
    assert result.stdout == b"one\r\ntwo\r\n"


def test_a_run_is_followed_through_its_end_and_the_next(engine: TestEngine) -> None:
    script = f"echo begin; {WAIT}; rm /go; echo end; exit 3"
    name = engine.start(script)
    process = engine.popen("lobtail", "tail", name)
    assert len(read_until(process, "begin")) == 1
    engine.go(name)
    shown = read_until(process, "stopped, exit code 3")
    engine.act("start", name)
    shown += read_until(process, "begin")
    process.send_signal(signal.SIGINT)
    result = finish(process)
    assert [text.partition(" ")[2].strip() for text in shown] == [
        "│ end",
        "─ stopped, exit code 3",
        "─ started",
        "│ begin",
    ]
    assert texts(result.stderr) == [
        "lobtail: 3 lines of 1 container, 0 gaps, 0 dropped",
        f"          3 {name}",
    ]
    assert result.code == 130


def test_a_run_that_is_over_at_once_is_shown_whole(engine: TestEngine) -> None:
    mine = label()
    first = engine.start("echo here; sleep 1000", "--label", mine)
    process = engine.popen("lobtail", "tail", "-l", mine, "-o", "json")
    assert len(read_until(process, '"partial":false}')) == 1
    name = engine.start("echo short; exit 7", "--label", mine)
    engine.wait(name)
    shown = [json.loads(text) for text in read_until(process, '"exit_code":7,"oom":false}')]
    engine.act("start", name)
    shown += [json.loads(text) for text in read_until(process, '"exit_code":7,"oom":false}')]
    process.send_signal(signal.SIGTERM)
    assert finish(process).code == 143
    engine.remove(first)
    assert [(o["container"], o.get("mark") or o["line"]) for o in shown] == [
        (name, "started"),
        (name, "short"),
        (name, "stopped"),
    ] * 2


def test_a_line_that_a_script_waits_for(engine: TestEngine) -> None:
    mine = label()
    # It goes on running: one that comes late must find it, too.
    script = f"echo up; {WAIT}; echo ready; sleep 1000"
    names = [engine.start(script, "--label", mine) for _ in range(2)]
    process = engine.popen(
        "lobtail", "tail", "-l", mine, "-o", "raw", "--until-match", "^ready$", "-g", "nothing"
    )
    other = engine.popen("lobtail", "tail", "-l", mine, "-o", "raw", "--fail-on", "^ready$")
    assert read_until(other, "up") == ["up"]
    assert read_until(other, "up") == ["up"]
    engine.go(names[1])
    result, failed = finish(process), finish(other)
    engine.remove(*names)
    assert (result.stdout, result.code) == (b"ready\n", 0)
    assert (failed.stdout, failed.code) == (b"ready\n", 4)
    assert failed.stderr.decode() == f"lobtail: --fail-on matches a line of {names[1]}\n"


def test_ends_by_number_and_time(engine: TestEngine) -> None:
    name = engine.start("seq 100; sleep 1000")
    until(lambda: engine.logs(name).endswith(b"100\n"), "all lines")
    result = engine.run("lobtail", "tail", name, "-o", "raw", "-n", "50", "--max-lines", "3")
    assert (texts(result.stdout), result.code) == (["51", "52", "53"], 0)
    result = engine.run("lobtail", "tail", name, "-o", "raw", "-n", "2", "--timeout", "2s")
    assert (texts(result.stdout), result.code) == (["99", "100"], 124)
    result = engine.run("lobtail", "tail", name, "-o", "raw", "-n", "2", "--until", "-1s")
    assert (texts(result.stdout), result.stderr, result.code) == (["99", "100"], b"", 0)
    result = engine.run("lobtail", "tail", name, "-o", "raw", "--until", "1h")
    assert (result.stdout, result.code) == (b"", 0)
    engine.remove(name)


def test_what_cannot_be_read_is_told_and_the_rest_is_shown(engine: TestEngine) -> None:
    mine = label()
    none = engine.start("echo unseen", "--label", mine, "--log-driver", "none")
    seen = engine.start("echo seen", "--label", mine)
    for name in (none, seen):
        engine.wait(name)
    result = engine.run("lobtail", "tail", "-a", "-l", mine, "--no-follow", "-o", "raw")
    assert (result.stdout, result.code) == (b"seen\n", 0)
    assert result.stderr.decode() == (
        f"-- {none}: lines may be missing here: "
        "configured logging driver does not support reading\n"
    )


def test_row_19_a_reader_that_goes_away(engine: TestEngine) -> None:
    name = engine.start("while :; do echo y; usleep 1000; done")
    process = engine.popen("lobtail", "tail", name, "-o", "raw")
    assert process.stdout is not None
    assert process.stdout.readline() == b"y\n"
    process.stdout.close()
    assert process.wait(timeout=30) == -signal.SIGPIPE
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    engine.remove(name)


def test_row_8_no_engine_is_one_line(engine: TestEngine) -> None:
    result = engine.run("lobtail", "-H", "unix:///nonexistent/s", "tail")
    assert (result.stdout, result.code) == (b"", 1)
    assert len(texts(result.stderr)) == 1
