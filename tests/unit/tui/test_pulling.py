"""How far a pull is, from the steps that an engine tells."""

from __future__ import annotations

from lobtail.engine.objects.pull import PullProgress
from lobtail.tui.state.pulling import Pulling

K = 1024


def words(*steps: tuple[str, str] | tuple[str, str, int, int]) -> str:
    pulling = Pulling()
    for status, layer, *bytes_ in steps:
        current, total = bytes_ or (None, None)
        pulling.take(PullProgress(status, layer, current, total))
    return pulling.words


FIRST = (("Pulling from image", "1"), ("Pulling fs layer", "a"), ("Pulling fs layer", "b"))


def test_bytes_are_counted_over_all_layers() -> None:
    a, b = ("Downloading", "a", 10 * K, 100 * K), ("Downloading", "b", 50 * K, 300 * K)
    assert words(*FIRST) == ""
    assert words(*FIRST, a) == "10K of 100K+"  # who knows how large the other is
    assert words(*FIRST, a, b) == "60K of 400K"
    assert words(*FIRST, a, b, ("Download complete", "a")) == "150K of 400K"


def test_unpacking_is_no_new_beginning() -> None:
    a, b = ("Downloading", "a", 90 * K, 100 * K), ("Downloading", "b", 50 * K, 300 * K)
    unpacking = ("Extracting", "a", 1 * K, 100 * K)
    assert words(*FIRST, a, b, unpacking) == "150K of 400K"
    assert words(*FIRST, a, b, unpacking, ("Pull complete", "a")) == "150K of 400K"


def test_what_is_there_already_or_comes_at_once_has_no_bytes() -> None:
    a = ("Downloading", "a", 10 * K, 100 * K)
    assert words(*FIRST, ("Already exists", "c"), ("Pull complete", "b"), a) == "10K of 100K"


def test_podman_tells_none() -> None:
    assert words(("Copying blob sha256:0", ""), ("Writing manifest", "")) == ""
