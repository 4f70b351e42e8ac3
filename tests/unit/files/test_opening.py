"""What is opened as a log, what is refused, and a rotation in the midst of opening."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from lobtail.errors import ConfigError, LobtailError, LogFileError
from lobtail.files import Damage, SkippedRecords, open_log, opening
from lobtail.files.opening import find_log
from lobtail.query.literals import Literals
from support.log_files import START, WRITERS, Message, compressed, json_record, local_record

ONE, TWO, THREE = (Message(b"line %d" % i, time_ns=START + i) for i in (1, 2, 3))


def texts(path: Path, driver: str = "auto") -> list[bytes]:
    out: list[bytes] = []
    with open_log(path, driver) as files:
        for item in files.messages():
            if isinstance(item, list):
                out += [frame.raw for frame in item]
    return out


@pytest.mark.parametrize(
    ("name", "driver"),
    [
        ("abc-json.log", "json-file"),
        ("local-logs/container.log", "local"),
        ("container-cached.log", "local"),
        ("ctr.log", "k8s-file"),
        ("userdata/ctr.log", "k8s-file"),
    ],
)
def test_a_containers_folder(tmp_path: Path, name: str, driver: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(WRITERS[driver](ONE))
    path.with_name(path.name + ".1").write_bytes(WRITERS[driver](TWO))
    with open_log(tmp_path) as files:
        assert files.driver == driver
        assert files.paths == [str(path) + ".1", str(path)]
        assert files.size == len(WRITERS[driver](ONE) + WRITERS[driver](TWO))
    assert texts(tmp_path) == [b"line 2", b"line 1"]


@pytest.mark.parametrize("driver", WRITERS)
def test_recognised_by_content(tmp_path: Path, driver: str) -> None:
    path = tmp_path / "some file"
    for head in (b"", bytes(40)):
        if driver == "stream" and head:
            continue
        path.write_bytes(head + WRITERS[driver](ONE) + WRITERS[driver](TWO))
        with open_log(str(path)) as files:
            assert files.driver == driver
    path.write_bytes(compressed(WRITERS[driver](ONE)))
    with open_log(path) as files:
        assert files.driver == driver
    path.write_bytes(b"")
    with open_log(path, driver) as files:
        assert list(files.messages()) == []
    empty = {"json-file": "x-json.log", "local": "container.log", "k8s-file": "ctr.log"}
    if driver in empty:
        path = tmp_path / empty[driver]
        path.write_bytes(b"")
        with open_log(path) as files:
            assert files.driver == driver
            assert list(files.runs()) == []


def test_rotated_files_belong_to_it(tmp_path: Path) -> None:
    path = tmp_path / "x-json.log"
    for number in range(12):
        record = json_record(Message(b"%d" % number))
        if number % 3 == 2:
            path.with_name(f"{path.name}.{number}.gz").write_bytes(compressed(record))
        else:
            path.with_name(f"{path.name}.{number}" if number else path.name).write_bytes(record)
    # One that is being compressed, and what does not belong to it.
    path.with_name(path.name + ".4.gz").write_bytes(b"\x1f\x8b half")
    for other in (".gz", ".1.gz.tmp", ".01", ".x", "-1", ".1.1"):
        path.with_name(path.name + other).write_bytes(b"rubbish")
    assert texts(path) == [b"%d" % number for number in range(11, -1, -1)]
    # A rotated file by its own name stands for itself.
    assert texts(path.with_name(path.name + ".3")) == [b"3"]
    assert texts(path.with_name(path.name + ".5.gz")) == [b"5"]


@pytest.mark.parametrize(
    "names",
    [
        ["-20260101.gz", "-20260102", ""],
        ["-20251231.gz", "-20260101.gz", "-20260101", ""],
        ["-2026010109.gz", "-2026010110", ""],
        ["-1735689600.gz", "-1767225600.gz", "-1767225601", ""],
        ["-20260101-1767225600.gz", "-20260101-1767225700", "-20260102-1767312000", ""],
        ["-2026-01-01", "-2026-01-02", ""],
        [".20260101-235900.gz", ".20260102-000100", ""],
        ["_20260101T120000Z", "_20260101T130000Z.gz", ""],
        [".2.gz", ".1", ".0", ""],
    ],
)
@pytest.mark.parametrize("name", ["x-json.log", "0.log", "log"])
def test_case_log_names_of_others(tmp_path: Path, name: str, names: list[str]) -> None:
    """Files that logrotate and others name by the time come in its order."""
    path = tmp_path / name
    expected = []
    for number, ending in enumerate(names):
        record = json_record(Message(b"%d" % number))
        whole = not ending.endswith(".gz") or ending[:-3] not in names
        if whole:
            expected.append(b"%d" % number)
        file = path.with_name(name + ending)
        file.write_bytes(compressed(record) if ending.endswith(".gz") else record)
    for other in ("-20261301", "-2026010", ".20260101x", "-20260101.tmp", "2-20260101", "-x"):
        path.with_name(name + other).write_bytes(b"rubbish")
    path.with_name(name + "-20260103").mkdir()
    os.mkfifo(path.with_name(name + ".7"))
    assert texts(path) == expected
    # An engine knows its own only.
    with open_log(path, engines=True) as files:
        own = [str(path.with_name(name + x)) for x in (".2.gz", ".1", "") if x in names]
        assert files.paths == own


def test_case_log_names_before_the_ending(tmp_path: Path) -> None:
    for number, name in enumerate(
        ["x-2026-01-01T10-00-00.000.log.gz", "x-2026-01-01T10-00-00.500.log", "x.log"]
    ):
        record = json_record(Message(b"%d" % number))
        (tmp_path / name).write_bytes(compressed(record) if name.endswith("gz") else record)
    assert texts(tmp_path / "x.log") == [b"0", b"1", b"2"]


def test_names_that_lead_to_no_file_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "x-json.log"
    path.write_bytes(json_record(ONE))
    (tmp_path / "x-json.log.1").symlink_to("nowhere")
    (tmp_path / "x-json.log.2").symlink_to("x-json.log.2")
    (tmp_path / "x-json.log.3").mkdir()
    os.mkfifo(tmp_path / "x-json.log.4")
    (tmp_path / "x-json.log.5").write_bytes(json_record(TWO))
    assert texts(path) == [b"line 2", b"line 1"]


def test_more_files_than_may_be_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MAX_OPEN", 3)
    path = tmp_path / "x-json.log"
    for number in range(20):
        record = json_record(Message(b"%d" % number, time_ns=START - number))
        name = f"{path.name}.{number}{'.gz' * (number % 2)}" if number else path.name
        path.with_name(name).write_bytes(compressed(record) if number % 2 else record)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    expected = [b"%d" % number for number in range(19, -1, -1)]
    assert texts(path) == expected
    with open_log(path) as files:
        assert len(os.listdir("/proc/self/fd")) == before + 3  # noqa: PTH208
        for options in ({"tail": 15}, {"since": START - 14}):
            items = list(files.messages(**options))  # type: ignore[arg-type]
            frames = [frame for item in items if isinstance(item, list) for frame in item]
            assert [frame.raw for frame in frames] == expected[-15:]
        # One that another has taken the place of is not read.
        path.with_name(f"{path.name}.18").rename(path.with_name(f"{path.name}.20"))
        path.with_name(f"{path.name}.18").write_bytes(b"")
        with pytest.raises(OSError, match="rotated while it was read"):
            list(files.messages())
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_the_scheme_of_names_was_changed(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    for number, name in enumerate(
        ["x.log-20260101", "x.log-20260102", "x.log.2", "x.log.1", "x.log"]
    ):
        (tmp_path / name).write_bytes(json_record(Message(b"%d" % number)))
        os.utime(tmp_path / name, (1000 + number, 1000 + number))
    assert texts(path) == [b"%d" % i for i in range(5)]
    for name in ("x.log-20260101", "x.log-20260102"):
        os.utime(tmp_path / name, (2000, 2000))
    assert texts(path) == [b"2", b"3", b"0", b"1", b"4"]


@pytest.mark.parametrize("magic", [b"BZh9", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"\x1f\x9d"])
def test_other_compression_is_named(tmp_path: Path, magic: bytes) -> None:
    path = tmp_path / "x-json.log"
    path.write_bytes(json_record(ONE))
    (tmp_path / "x-json.log-20260101.xz").write_bytes(magic + b"rest")
    with open_log(path) as files:
        damage, batch = files.messages()
        assert isinstance(damage, Damage)
        assert (damage.size, "decompress" in damage.reason) == (len(magic) + 4, True)
        assert isinstance(batch, list)
        assert [item for item in files.messages(tail=1) if not isinstance(item, Damage)] == [batch]


MOMENT = '"time":"2026-01-01T00:00:00.5Z"'
JSON_FORMS = [
    '{"log": "%s\\n", "stream": "stdout", ' + MOMENT + "}",
    '{"log" : "%s\\n" , "stream" : "stdout" , "attrs" : {"a" : "b"}, ' + MOMENT + " }",
    "{" + MOMENT + ',"stream":"stdout","log":"%s\\n"}',
    '{"host":"a","n":1,"attrs":{"stream":"stderr"},"stream":"stdout","log":"%s\\n",' + MOMENT + "}",
    ' {"\\u006cog":"%s\\u000a","stream":"std\\u006fut",' + MOMENT + "}\r",
]


@pytest.mark.parametrize("form", JSON_FORMS)
def test_case_log_names_json_with_blanks(tmp_path: Path, form: str) -> None:
    """Records of json-file as others write them: blanks, keys in any order, escapes."""
    written = [f"spaced {i}" for i in range(30)]
    written[7] = "f\\u00fcr \\u65e5\\u672c a\\/b \\u0022\\ud83d\\ude00"
    lines = [form % text for text in written]
    path = tmp_path / "y.log"
    path.write_text("\n".join(lines) + "\n")
    expected = [b"spaced %d" % i for i in range(30)]
    expected[7] = 'für 日本 a/b "😀'.encode()
    assert texts(path) == expected
    with open_log(path) as files:
        for text in ("für", "日", "a/b", '"', "😀", "r 日"):
            found = [
                frame
                for item in files.messages(wanted=Literals(((text,),)), context=(1, 1))
                if isinstance(item, list)
                for frame in item
            ]
            shown = [frame.raw for frame in found]
            assert [x for x in shown if x in expected[6:9]] == expected[6:9]
    # Two in a line, and one behind damage.
    path.write_text(lines[1].strip() + lines[2].strip() + "\n" + 'x": ' + lines[3].strip() + "\n")
    if not form.startswith((" ", '{"host')):
        assert texts(path, "json-file") == expected[1:4]


def refused(path: Path, *words: str, driver: str = "auto") -> None:
    with pytest.raises(LogFileError) as caught:
        open_log(path, driver)
    text = str(caught.value)
    assert "\n" not in text
    assert str(path) in text
    for word in words:
        assert word in text
    assert isinstance(caught.value, LobtailError)


def test_what_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    refused(tmp_path / "none", "no such file")
    refused(tmp_path, "no log in the folder")
    file = tmp_path / "file"
    file.write_bytes(b"plain text\nof no log\n")
    refused(file, "unrecognised format")
    refused(file / "below", "no such file")
    file.write_bytes(b"")
    refused(file, "empty")
    os.mkfifo(tmp_path / "fifo")
    refused(tmp_path / "fifo", "not a regular file (named pipe)", driver="local")
    with pytest.raises(ConfigError, match=r"'syslog'.*json-file"):
        open_log(file, "syslog")

    def denied(*_: object) -> int:
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr(os, "open", denied)
    refused(file, "permission denied", "sudo")
    monkeypatch.undo()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_capture_has_no_times(tmp_path: Path) -> None:
    path = tmp_path / "capture"
    path.write_bytes(WRITERS["stream"](ONE) + WRITERS["stream"](TWO))
    with open_log(path) as files:
        with pytest.raises(LogFileError, match="no times"):
            list(files.messages(since=1))
        with pytest.raises(LogFileError, match="no times"):
            list(files.runs(until=1))
        (batch,) = files.messages(tail=1)
        assert not isinstance(batch, SkippedRecords)
        assert isinstance(batch, list)
        assert [frame.raw for frame in batch] == [b"line 2"]
        runs = [frame.payload for run in files.runs() if isinstance(run, list) for frame in run]
        assert b"".join(runs) == b"line 1\nline 2\n"


def test_files_are_only_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x-json.log"
    path.write_bytes(json_record(ONE))
    flags: list[int] = []
    really = os.open

    def watched(name: str, flag: int) -> int:
        flags.append(flag)
        return really(name, flag)

    monkeypatch.setattr(os, "open", watched)
    with open_log(path) as files:
        # What happens to the names afterwards does not matter.
        path.rename(tmp_path / "elsewhere")
        assert [len(batch) for batch in files.messages() if isinstance(batch, list)] == [1]
    assert [flag & os.O_ACCMODE for flag in flags] == [os.O_RDONLY]
    assert flags[0] & os.O_CLOEXEC
    assert stat.S_ISREG((tmp_path / "elsewhere").stat().st_mode)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("moment", range(1, 7))
def test_a_rotation_while_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int, compress: bool
) -> None:
    """At whatever moment it happens, every record comes once."""
    path = tmp_path / "container.log"
    old, older = (path.with_name(f"{path.name}.{i}") for i in (1, 2))
    path.write_bytes(local_record(THREE))
    old.write_bytes(local_record(TWO))
    older.write_bytes(local_record(ONE))
    calls = 0

    def rotate() -> None:
        older.rename(path.with_name(path.name + ".3"))
        old.rename(older)
        path.rename(old)
        if compress:
            path.with_name(old.name + ".gz").write_bytes(compressed(old.read_bytes()))
            old.unlink()
        path.write_bytes(b"")

    def counted(function: object) -> object:
        def call(*args: object) -> object:
            nonlocal calls
            calls += 1
            if calls == moment:
                rotate()
            return function(*args)  # type: ignore[operator]

        return call

    monkeypatch.setattr(opening, "open_part", counted(opening.open_part))
    monkeypatch.setattr(opening, "same", counted(opening.same))
    assert texts(path, "local") == [b"line 1", b"line 2", b"line 3"]
    assert calls > moment


def test_a_rotation_at_every_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x-json.log"
    path.write_bytes(json_record(ONE))
    monkeypatch.setattr(opening, "same", lambda part: False)
    refused(path, "rotated faster")


@pytest.mark.parametrize("name", [f"{'c' * 64}-json.log", "local-logs/container.log", "ctr.log"])
@pytest.mark.parametrize("rotated", [".1", ".1.gz", ".2.gz"])
def test_a_log_is_found_while_its_newest_file_is_being_rotated(
    tmp_path: Path, name: str, rotated: str
) -> None:
    file = tmp_path / (name + rotated)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"")
    assert find_log(tmp_path) == tmp_path / name
