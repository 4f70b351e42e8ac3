"""Which containers are meant."""

from __future__ import annotations

import pytest

from lobtail import ConfigError
from lobtail.errors import QueryError
from lobtail.model.items import ContainerRef
from lobtail.query.selection import ContainerSelection, ContainerSelector

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
        ("web", True),  # its compose service
        ("shop", False),
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
    assert ContainerSelector(word).matches(WEB) == expected


def test_case_tail_compose_service() -> None:
    """A word names a compose service unless it names a container, whichever comes first."""
    alone = ContainerRef("7" * 64, "web")
    selection = ContainerSelection(names=(ContainerSelector("web"),))
    assert selection.matches(WEB)
    assert selection.settle([WEB]).matches(WEB)
    settled = selection.settle([WEB, alone])
    assert not settled.matches(WEB)
    assert settled.matches(alone)
    assert (
        ContainerSelection(excluded=(ContainerSelector("web"),)).settle([WEB, alone]).matches(WEB)
    )
    other = ContainerSelection(names=(ContainerSelector("db"),), others=(selection,)).settle(
        [alone]
    )
    assert [other.matches(each) for each in (WEB, alone)] == [False, True]


def test_only_a_name_or_an_id_means_a_container_that_is_not_running() -> None:
    assert [
        ContainerSelection(names=(ContainerSelector(word),)).by_name(WEB)
        for word in ("web-1", "3f5a", "web", "w*")
    ] == [True, True, False, False]


@pytest.mark.parametrize(
    ("word", "message", "position"),
    [
        ("/(web/", "the selector /(web/: invalid regex: missing ), unterminated subpattern", 0),
        ("/web[/", "the selector /web[/: invalid regex: unterminated character set", 3),
    ],
)
def test_row_20_a_bad_regex_is_pointed_at(word: str, message: str, position: int) -> None:
    with pytest.raises(QueryError) as caught:
        ContainerSelector(word)
    assert (caught.value.message, caught.value.position) == (message, position)


def test_row_20_a_regex_that_would_backtrack_for_ever_does_not() -> None:
    name = "a" * 60 + "b"
    assert not ContainerSelector("/^(a+)+$/").matches(ContainerRef("0" * 64, name))


@pytest.mark.parametrize("word", ["", "/", "//"])
def test_row_20_an_empty_word_selects_nothing_and_is_no_selector(word: str) -> None:
    with pytest.raises(ConfigError, match="a selector is empty"):
        ContainerSelector(word)


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
        ({"names": (ContainerSelector("web-*"),), "excluded": (ContainerSelector("*-1"),)}, False),
        (
            {"names": (ContainerSelector("api"), ContainerSelector("web-1")), "services": ("web",)},
            True,
        ),
    ],
)
def test_selections(criteria: dict[str, tuple[str, ...]], expected: bool) -> None:
    assert ContainerSelection(**criteria).matches(WEB) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("image", "wanted", "expected"),
    [
        ("nginx", "nginx", True),
        ("nginx", "nginx:latest", True),
        ("nginx:latest", "nginx", True),
        ("nginx:1.27", "nginx", True),
        ("nginx:1.27", "nginx:latest", False),
        ("nginx:1.27", "nginx:1", False),
        ("docker.io/library/nginx:latest", "nginx", True),
        ("nginx", "docker.io/library/nginx", True),
        ("docker.io/bitnami/nginx", "nginx", False),
        ("docker.io/bitnami/nginx", "bitnami/nginx:latest", True),
        ("localhost/lobtail-test:latest", "lobtail-test", True),
        ("quay.io/x/nginx", "nginx", False),
        ("host:5000/nginx", "host:5000/nginx", True),
        ("host:5000/nginx", "host", False),
        ("nginx@sha256:0a", "nginx", True),
        ("nginx@sha256:0a", "nginx@sha256:0a", True),
        ("nginx@sha256:0a", "nginx@sha256:0b", False),
        ("nginx@sha256:0a", "nginx:latest", False),
        ("nginx:1.27", "ngin*", True),
        ("docker.io/library/nginx:1", "*/nginx:?", True),
        ("nginx:1.27", "gin", False),
    ],
)
def test_images_as_people_write_them(image: str, wanted: str, expected: bool) -> None:
    container = ContainerRef("0" * 64, "web", image=image)
    assert ContainerSelection(images=(wanted,)).matches(container) == expected


TASK = ContainerRef(
    "9c2f" + "0" * 60,
    "shop_api.2.lp9k1kpercqmp99luczzjix5t",
    service="shop_api",
    labels={
        "com.docker.swarm.service.name": "shop_api",
        "com.docker.swarm.task.id": "lp9k1kpercqmp99luczzjix5t",
        "com.docker.swarm.task.name": "shop_api.2.lp9k1kpercqmp99luczzjix5t",
    },
    host="node-b",
)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("shop_api", True),
        ("shop_api.2", True),
        ("shop_api.1", False),
        ("shop_api.2.lp9k1kpercqmp99luczzjix5t", True),
        ("lp9k1kpercqmp99luczzjix5t", True),
        ("lp9k1kpercqm", True),
        ("lp9k1kpercq", False),
        ("shop", False),
        ("shop_api.", False),
        ("shop_*", True),
        ("/^shop_api$/", False),
        ("9c2f", True),
    ],
)
def test_words_name_services_and_their_tasks(word: str, expected: bool) -> None:
    assert ContainerSelector(word).matches(TASK) == expected


def test_services_are_those_of_compose_and_of_swarms() -> None:
    assert ContainerSelection(services=("shop_api",)).matches(TASK)
    both = ContainerRef(TASK.id, TASK.name, service="api", labels=TASK.labels)
    assert ContainerSelection(services=("shop_api",)).matches(both)
    assert ContainerSelection(services=("api",)).matches(both)
    assert not ContainerSelection(services=("web",)).matches(both)
    assert ContainerSelection(excluded=(ContainerSelector("shop_api"),)).matches(WEB)
    assert not ContainerSelection(excluded=(ContainerSelector("shop_api"),)).matches(TASK)


@pytest.mark.parametrize(
    ("selection", "named", "chosen"),
    [
        (ContainerSelection(), False, False),
        (
            ContainerSelection(names=(ContainerSelector("a*"), ContainerSelector("/a/"))),
            False,
            False,
        ),
        (ContainerSelection(images=("api",), labels=("a",)), False, False),
        (ContainerSelection(names=(ContainerSelector("api"),)), True, True),
        (ContainerSelection(names=(ContainerSelector("api.2"),)), True, True),
        (ContainerSelection(names=(ContainerSelector("api-2"),)), True, False),
        (ContainerSelection(services=("api",)), True, True),
        (ContainerSelection(projects=("shop",)), True, True),
        (ContainerSelection(projects=("other",)), True, False),
    ],
)
def test_what_names_services(selection: ContainerSelection, named: bool, chosen: bool) -> None:
    assert selection.names_services == named
    assert selection.may_choose("api", "shop") == chosen
    assert not selection.may_choose("web", "")


def test_what_others_choose_is_chosen_as_well() -> None:
    other = ContainerSelection(
        names=(ContainerSelector("db-1"),), excluded=(ContainerSelector("web-1"),)
    )
    both = ContainerSelection(projects=("shop",), services=("api",), others=(other,))
    db = ContainerRef("d" * 64, "db-1", project="blog")
    assert both.matches(db)
    assert both.by_name(db)
    assert both.matches(ContainerRef("e" * 64, "x", project="shop", service="api"))
    assert not both.matches(ContainerRef("e" * 64, "x", project="blog", service="api"))
    assert not both.matches(WEB)
    assert both.names_any
    assert both.may_choose("db-1", "")
    assert ContainerSelection(
        labels=("a",), others=(ContainerSelection(projects=("b",)),)
    ).names_services
