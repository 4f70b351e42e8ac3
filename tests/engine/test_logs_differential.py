"""`lobtail logs` beside the docker CLI: the same arguments, bytes and exit code."""

from __future__ import annotations

import pytest

from support.engines import TestEngine

DRIVERS = ("json-file", "local")


def x(count: int) -> str:
    return f"head -c {count} /dev/zero | tr '\\0' x"


SCRIPTS = {
    "mix": "for i in 1 2 3 4 5 6; do echo out $i; echo err $i >&2; usleep 500; done",
    "stdout only": "seq 5",
    "stderr only": "seq 5 >&2",
    "empty": "true",
    "empty lines": "echo; echo; echo >&2; echo",
    "no final newline": "echo a; printf b; printf c >&2",
    "16383": f"{x(16383)}; echo; echo next",
    "16384": f"{x(16384)}; echo; echo next",
    "16385": f"{x(16385)}; echo; echo next",
    "100000": f"{x(100_000)}; echo; {x(100_000)} >&2; echo >&2; echo next",
    "40000 unterminated": f"echo a; {x(40_000)}",
    "UTF-8 across 16 KiB": f"{x(16383)}; printf 'é—𝄞'; {x(16381)}; printf '—é\\n'",
    "NUL and invalid UTF-8": r"printf 'a\0b\n\377\376\n\300\200\n\355\240\200\n\000\n'",
    "CRLF": "printf 'a\\r\\nb\\r\\n\\rc\\rd\\n'",
    "escapes": "printf '\\033[31mred\\033[0m \\033]0;title\\007 \\233\\n'",
    "BOM and separators": r"printf '\357\273\277a\342\200\250b\014c\n'",
    "many": "seq 3000; seq 3000 >&2",
}

ARGUMENTS: list[tuple[str, ...]] = [
    (),
    ("-t",),
    ("--details",),
    ("-t", "--details"),
    ("-n", "0"),
    ("-n", "1"),
    ("--tail", "3"),
    ("--tail=all",),
    ("-n", "-1"),
    ("-n", "x"),
    ("-f",),
    ("-f", "-n2", "-t"),
    ("--follow=false", "--timestamps=true", "--tail=2"),
]
# All arguments are tried on these, some of them on the others: what the options do does not depend
# on what the lines hold, but for where lines begin and end.
THOROUGHLY = ("mix", "no final newline", "16385", "40000 unterminated")
BRIEFLY: list[tuple[str, ...]] = [(), ("-t",), ("-n", "1"), ("-f", "-n2", "-t")]


def arguments_for(script: str) -> list[tuple[str, ...]]:
    return ARGUMENTS if script in THOROUGHLY else BRIEFLY


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("script", SCRIPTS)
def test_logs_of_an_ended_container(engine: TestEngine, script: str, driver: str) -> None:
    name = engine.ended(f"{driver} {script}", SCRIPTS[script], "--log-driver", driver)
    for arguments in arguments_for(script):
        engine.both(*arguments, name)


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    "script", ["mix", "empty", "no final newline", "100000", "CRLF", "escapes"]
)
def test_logs_of_a_container_with_a_tty(engine: TestEngine, script: str, driver: str) -> None:
    name = engine.ended(f"tty {driver} {script}", SCRIPTS[script], "-t", "--log-driver", driver)
    for arguments in arguments_for(script):
        result = engine.both(*arguments, name)
        assert result.stderr == b""


def test_the_corpus_holds_what_its_names_say(engine: TestEngine) -> None:
    """Two empty answers agree too: see that the containers have written."""
    name = engine.ended("json-file mix", SCRIPTS["mix"], "--log-driver", "json-file")
    result = engine.both(name)
    assert result.stdout == b"".join(b"out %d\n" % i for i in range(1, 7))
    assert result.stderr == b"".join(b"err %d\n" % i for i in range(1, 7))
    name = engine.ended("local 100000", SCRIPTS["100000"], "--log-driver", "local")
    assert len(engine.both(name).stdout) >= 100_000


# The local driver keeps no attributes: it refuses the options that name them.
@pytest.mark.parametrize(
    ("driver", "attributes"),
    [("json-file", "none"), ("json-file", "labels and env"), ("local", "none")],
)
def test_details(engine: TestEngine, driver: str, attributes: str) -> None:
    options = ["--log-driver", driver]
    if attributes != "none":
        options += ["--label", "team=a b,c=d", "--env", "REGION=eu%/ö", "--label", "x="]
        options += ["--log-opt", "labels=team,x", "--log-opt", "env=REGION"]
    name = engine.ended(f"details {driver} {attributes}", "echo out; echo err >&2", *options)
    for arguments in ((), ("-t",), ("-f",)):
        result = engine.both("--details", *arguments, name)
        assert (b"team=a+b%2Cc%3Dd" in result.stdout) == (attributes != "none")


def test_driver_none_cannot_be_read(engine: TestEngine) -> None:
    name = engine.ended("driver none", "echo lost", "--log-driver", "none")
    result = engine.both(name, sources=("api", "auto"))
    assert result.code == 1
    assert result.stderr == (
        b"Error response from daemon: configured logging driver does not support reading\n"
    )


@pytest.mark.parametrize(
    "name", ["nosuch", "no/such", "no%2Fsuch", "nö such", "a?b=c#d", "x" * 300]
)
def test_no_such_container(engine: TestEngine, name: str) -> None:
    for arguments in ((), ("-f",), ("-n", "1", "-t")):
        assert engine.both(*arguments, name).code == 1


def test_names_and_ids(engine: TestEngine) -> None:
    name = engine.ended("json-file mix", SCRIPTS["mix"], "--log-driver", "json-file")
    full = engine.inspect(name)["Id"]
    for alias in (full, full[:12], f"/{name}"):
        assert engine.both(alias).code == 0
    ids = engine.docker("ps", "-aq", "--no-trunc").split()
    prefix = next(
        (a[:n] for n in (1, 2) for a in ids for b in ids if a != b and a[:n] == b[:n]), None
    )
    while prefix is None:  # with 17 containers two share a first digit
        engine.ended(f"filler {len(ids)}", "true")
        ids = engine.docker("ps", "-aq", "--no-trunc").split()
        prefix = next((a[0] for a in ids for b in ids if a != b and a[0] == b[0]), None)
    result = engine.both(prefix)
    assert result.code == 1
    assert b"prefix" in result.stderr


def test_never_started(engine: TestEngine) -> None:
    name = "t-never-started"
    engine.docker("create", "--name", name, "--network", "none", "lobtail-test", "true")
    engine.containers[name] = name
    # An engine says where the log is once it has looked there.
    assert engine.both(name, sources=("api",)).code == 0
    for arguments in ((), ("-f",), ("-t", "-n", "3")):
        assert engine.both(*arguments, name).code == 0
