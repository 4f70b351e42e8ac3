"""Which containers are meant."""

from __future__ import annotations

import pytest

from lobtail import ConfigError
from lobtail.core.model import ContainerRef
from lobtail.core.selection import Selection, Selector

WEB = ContainerRef(
    "3f5a" + "0" * 60,
    "web-1",
    image="registry.example:5000/shop/web:1.2",
    project="shop",
    service="web",
    labels={"env": "prod", "tier": ""},
)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("web-1", True),
        ("/web-1", True),
        ("web", False),
        ("web-*", True),
        ("*-1", True),
        ("w?b-[0-9]", True),
        ("api-*", False),
        ("/^web-[0-9]+$/", True),
        ("/eb/", True),
        ("/^eb/", False),
        ("3f5a", True),
        ("3f5", False),
        (WEB.id, True),
        ("3f5b", False),
    ],
)
def test_selectors(word: str, expected: bool) -> None:
    assert Selector(word).matches(WEB) == expected


def test_a_bad_regex_says_where() -> None:
    with pytest.raises(ConfigError, match=r"/\(web/ is no regex: .* at character 1"):
        Selector("/(web/")


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({}, True),
        ({"labels": ("env",)}, True),
        ({"labels": ("env=prod", "tier=")}, True),
        ({"labels": ("env=prod", "none")}, False),
        ({"labels": ("env=dev",)}, False),
        ({"projects": ("shop", "other")}, True),
        ({"projects": ("other",)}, False),
        ({"services": ("web",)}, True),
        ({"services": ("api",)}, False),
        ({"images": ("registry.example:5000/shop/web",)}, True),
        ({"images": ("registry.example:5000/shop/web:1.2",)}, True),
        ({"images": ("registry.example",)}, False),
        ({"images": ("*/web:*",)}, True),
        ({"names": (Selector("web-*"),), "excluded": (Selector("*-1"),)}, False),
        ({"names": (Selector("api"), Selector("web-1")), "services": ("web",)}, True),
    ],
)
def test_selections(criteria: dict[str, tuple[str, ...]], expected: bool) -> None:
    assert Selection(**criteria).matches(WEB) == expected  # type: ignore[arg-type]
