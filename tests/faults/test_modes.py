"""Frames or raw bytes: the label counts from API 1.42 on, before that the container's TTY."""

from __future__ import annotations

import pytest

from faults.command import lobtail
from faults.fake_engine import ID, LAST, MULTIPLEXED, RAW, FakeEngine, chunk, frame, head, log

FRAMES = [frame(1, b"one\n"), frame(2, b"two\n")]
TEXT = [b"\x01\x00not a frame\r\n"]


@pytest.mark.parametrize(
    ("api", "label", "tty", "frames"),
    [
        ("1.45", MULTIPLEXED, False, True),
        ("1.45", RAW, True, False),
        # From 1.42 on the label is right, whatever inspect says.
        ("1.42", MULTIPLEXED, True, True),
        ("1.43", MULTIPLEXED, True, True),
        ("1.43", RAW, False, False),
        ("1.99", RAW, False, False),
        # Before, engines label everything as raw.
        ("1.41", RAW, False, True),
        ("1.41", RAW, True, False),
        ("1.41", MULTIPLEXED, True, False),
        ("1.24", RAW, False, True),
        (None, RAW, False, True),
        (None, RAW, True, False),
        # Podman and proxies have labels of their own, or none.
        ("1.45", "application/octet-stream", False, True),
        ("1.45", "application/octet-stream", True, False),
        ("1.41", "", False, True),
        ("1.45", "", True, False),
    ],
)
def test_mode(api: str | None, label: str, tty: bool, frames: bool) -> None:
    body = FRAMES if frames else TEXT
    labelled = {"content_type": label} if label else {}
    script = [head(transfer_encoding="chunked", **labelled), *map(chunk, body), LAST]
    with FakeEngine(script, api=api, tty=tty) as engine:
        result = lobtail(engine.host, "logs", "web")
    expected = (b"one\n", b"two\n", 0) if frames else (TEXT[0], b"", 0)
    assert (result.stdout, result.stderr, result.code) == expected


def test_the_version_that_is_asked_for_counts() -> None:
    # A newer engine labels frames as raw when it is asked in 1.41.
    with FakeEngine(log(FRAMES, content_type=RAW), api="1.45") as engine:
        result = lobtail(engine.host, "logs", "web", env={"DOCKER_API_VERSION": "1.41"})
    assert (result.stdout, result.stderr, result.code) == (b"one\n", b"two\n", 0)
    assert all(target.startswith("/v1.41/") for target in engine.requests)


@pytest.mark.parametrize("tty", [False, True])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"State": None, "HostConfig": None, "Name": None, "Image": None},
        {"HostConfig": {"LogConfig": None}, "State": {"Running": None, "ExitCode": None}},
        {"HostConfig": {"LogConfig": {"Type": "json-file", "Config": None}}},
        {"Mounts": [{"a": [1, 2.5, None]}], "Unknown": {"deep": [[[]]]}, "Created": "x"},
    ],
    ids=["missing", "null", "null-inside", "null-map", "unknown"],
)
def test_fields_of_inspect(tty: bool, more: dict[str, object]) -> None:
    inspect = {"Id": ID, "Config": {"Tty": tty, "Labels": None, "Extra": 1}, **more}
    body = TEXT if tty else FRAMES
    with FakeEngine(log(body, content_type="text/plain"), inspect=inspect) as engine:
        result = lobtail(engine.host, "logs", "web")
    expected = (TEXT[0], b"", 0) if tty else (b"one\n", b"two\n", 0)
    assert (result.stdout, result.stderr, result.code) == expected


@pytest.mark.parametrize("config", [{}, {"Config": None}, {"Config": {"Tty": None}}])
def test_without_a_word_on_the_tty_there_is_none(config: dict[str, object]) -> None:
    with FakeEngine(log(FRAMES, content_type="text/plain"), inspect={"Id": ID, **config}) as engine:
        result = lobtail(engine.host, "logs", "web")
    assert (result.stdout, result.stderr, result.code) == (b"one\n", b"two\n", 0)
