"""The table of engines' bugs."""

from __future__ import annotations

import pytest

from lobtail.engine.known_issues import BUGS, issues_of, parse_version
from lobtail.engine.objects.container import Container, HostConfig, LogConfig


def names(version: str, *, podman: bool = False) -> set[str]:
    return {bug.name for bug in issues_of(parse_version(version), podman=podman)}


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("20.10.24+dfsg1", (20, 10, 24)),
        ("26.1.5+dfsg1", (26, 1, 5)),
        ("v28.0.0-rc.1", (28, 0, 0)),
        ("4.3.1", (4, 3, 1)),
        ("library-import", ()),
        ("", ()),
    ],
)
def test_versions(text: str, version: tuple[int, ...]) -> None:
    assert parse_version(text) == version


def test_each_is_of_its_versions() -> None:
    old, new, newest = names("20.10.24"), names("26.1.5"), names("28.2.2")
    assert {"since-compressed", "follow-loses-end", "local-zone"} <= old
    assert not {"since-compressed", "follow-loses-end", "local-zone"} & new
    assert "local-zone" in names("24.0.9")
    assert "rotation-skips" not in old
    assert "rotation-skips" in new & newest
    assert "damage-ends-log" in old & new
    assert "damage-skips-file" in newest - new
    assert names("4.7.0", podman=True) == {"podman-seconds", "podman-half-lines"}
    assert names("4.3.1", podman=True) - names("4.7.0", podman=True) == {"podman-tail-pieces"}
    assert names("6.0.0", podman=True) == {"podman-half-lines"}


def test_each_has_a_name_of_its_own_and_says_what_is_done() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS)
    for bug in BUGS:
        assert bug.handling
        assert bug.title
        assert bug.first is None or bug.fixed is None or bug.first < bug.fixed


def test_whom_they_concern() -> None:
    def kept(driver: str, **options: str) -> set[str]:
        config = LogConfig(type=driver, config={k.replace("_", "-"): v for k, v in options.items()})
        container = Container(id="1", host_config=HostConfig(log_config=config))
        return {bug.name for bug in BUGS if not bug.podman and bug.concerns(container)}

    rotating = kept("json-file", max_size="1m", max_file="3")
    assert "since-compressed" not in rotating
    assert "follow-duplicates" in rotating
    assert "follow-duplicates" not in kept("json-file")
    assert "since-compressed" in kept("json-file", max_size="1m", max_file="3", compress="true")
    assert {"since-compressed", "local-last-piece"} <= kept("local")
    assert kept("none") == {"until-never-ends"}


def test_case_truncated_log_concerns_every_log_in_a_file() -> None:
    (bug,) = (bug for bug in BUGS if bug.name == "truncated-log")
    assert bug.reference == "moby#45728"
    assert "truncated-log" in names("26.1.5") & names("28.5.0")
    assert "truncated-log" not in names("20.10.24")
    for driver, concerned in {"json-file": True, "local": True, "journald": False}.items():
        config = HostConfig(log_config=LogConfig(type=driver))
        assert bug.concerns(Container(id="1", host_config=config)) is concerned
