"""Choose containers: by name, ID, glob or regex, label, project and service, image.

Projects are those of compose and the stacks of a swarm; services those of both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import translate
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from lobtail.errors import ConfigError
from lobtail.model.items import ContainerRef
from lobtail.model.swarm import SERVICE_NAME, TASK_ID, TASK_NAME

if TYPE_CHECKING:
    from lobtail.query.patterns import Pattern

__all__ = ["ContainerSelection", "ContainerSelector"]

_ID: Final = re.compile(r"[0-9a-f]{4,64}")
_TASK_ID: Final = re.compile(r"[0-9a-z]{12,25}")
_GLOB: Final = re.compile(r"[*?\[]")
# What distribution/reference adds to a familiar name (normalize.go), and Podman to a local one.
_REGISTRY: Final = re.compile(r"^(?:docker\.io/(?:library/)?|localhost/)")


class ContainerSelector:
    """One word that names containers: ``web``, ``3f5a``, ``web-*`` or ``/^web-[0-9]+$/``.

    A plain word is a name in full, or the beginning of an ID of at least 4 digits. It may also name
    a service of a swarm (``web``), one of its tasks whatever container that has (``web.2``), or a
    task by its ID; and a service of compose, unless ``names_container`` says that some container
    is called so. A glob must match the whole name of a container, a regex any part of it.

    Raises:
        ConfigError: the word is empty.
        QueryError: the regex is not one.
    """

    def __init__(self, word: str, *, names_container: bool = False) -> None:
        self.word = word
        self.names_container = names_container
        self._pattern: re.Pattern[str] | Pattern | None = None
        if word.strip("/") == "":
            raise ConfigError("a selector is empty; leave it out to tail all that run")
        if len(word) > 1 and word.startswith("/") and word.endswith("/"):
            # Loaded by those who give a regex.
            from lobtail.query.patterns import compile_pattern

            self._pattern = compile_pattern(word[1:-1], f"the selector {word}")
        elif _GLOB.search(word):
            self._pattern = re.compile(translate(word))
        self._name = word.removeprefix("/")

    @property
    def exact(self) -> bool:
        """Whether it names one container rather than a kind."""
        return self._pattern is None

    def matches(self, container: ContainerRef) -> bool:
        """Tell whether it names ``container``, or a service or task that it belongs to."""
        if self._pattern is not None:
            return self._pattern.search(container.name) is not None
        if self.names(container):
            return True
        if SERVICE_NAME in container.labels:
            return self._names_task(container.labels)
        return not self.names_container and container.service == self._name

    def names(self, container: ContainerRef) -> bool:
        """Tell whether it is a plain word that is the name of ``container``, or begins its ID."""
        if not self.exact:
            return False
        by_id = _ID.fullmatch(self._name) and container.id.startswith(self._name)
        return container.name == self._name or bool(by_id)

    def _names_task(self, labels: dict[str, str]) -> bool:
        name, task = self._name, labels.get(TASK_NAME, "")
        if name in (labels[SERVICE_NAME], task, task.rpartition(".")[0]):
            return True
        return self.may_be_task and labels.get(TASK_ID, "").startswith(name)

    @property
    def may_be_task(self) -> bool:
        """Whether it has the form of a task's ID, or of so much of one as engines show."""
        return self.exact and _TASK_ID.fullmatch(self._name) is not None

    def may_name(self, service: str) -> bool:
        """Tell whether it names a service, or a task of it."""
        return self.exact and (self._name == service or self._name.startswith(f"{service}."))


class ContainerSelection(msgspec.Struct, frozen=True):
    """Which containers to tail: those that match one of each kind of criterion that is given.

    Without any, all. ``labels`` are ``k`` or ``k=v``, and all of them must be there. What one of
    ``others`` chooses is chosen as well.
    """

    names: tuple[ContainerSelector, ...] = ()
    labels: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    excluded: tuple[ContainerSelector, ...] = ()
    others: tuple[ContainerSelection, ...] = ()

    def missing(self, found: Sequence[ContainerRef]) -> list[str]:
        """Return the names, as they were given, that none of ``found`` has."""
        return [each.word for each in self.all_names if not any(map(each.matches, found))]

    def settle(self, containers: Sequence[ContainerRef]) -> ContainerSelection:
        """Return it with the names that are those of containers held to be nothing else."""

        def settled(selectors: tuple[ContainerSelector, ...]) -> tuple[ContainerSelector, ...]:
            return tuple(
                ContainerSelector(each.word, names_container=True)
                if any(map(each.names, containers))
                else each
                for each in selectors
            )

        return replace(
            self,
            names=settled(self.names),
            excluded=settled(self.excluded),
            others=tuple(other.settle(containers) for other in self.others),
        )

    @property
    def all_names(self) -> tuple[ContainerSelector, ...]:
        """The names that are given, also those of the ``others``."""
        return self.names + tuple(name for other in self.others for name in other.all_names)

    def matches(self, container: ContainerRef) -> bool:
        """Tell whether ``container`` is chosen."""
        return self._chooses(container) or any(each.matches(container) for each in self.others)

    def _chooses(self, container: ContainerRef) -> bool:
        if any(selector.matches(container) for selector in self.excluded):
            return False
        if self.names and not any(selector.matches(container) for selector in self.names):
            return False
        if self.projects and container.project not in self.projects:
            return False
        if self.services and not (
            container.service in self.services
            or container.labels.get(SERVICE_NAME) in self.services
        ):
            return False
        if self.images and not any(_same_image(image, container.image) for image in self.images):
            return False
        return all(_has_label(container, label) for label in self.labels)

    @property
    def names_services(self) -> bool:
        """Whether services may be meant, and so tasks that run elsewhere; not so with globs."""
        own = any(selector.exact for selector in self.names)
        own = own or bool(self.services or self.projects)
        return own or any(other.names_services for other in self.others)

    def may_choose(self, service: str, stack: str) -> bool:
        """Tell whether tasks of a service may be chosen by what names services."""
        return (
            service in self.services
            or (stack != "" and stack in self.projects)
            or any(selector.may_name(service) for selector in self.names)
            or any(other.may_choose(service, stack) for other in self.others)
        )

    @property
    def asks_for_image(self) -> bool:
        """Whether a container's image counts."""
        return bool(self.images) or any(other.asks_for_image for other in self.others)

    @property
    def names_any(self) -> bool:
        """Whether any plain word is given."""
        return any(selector.exact for selector in self.all_names)

    def by_name(self, container: ContainerRef) -> bool:
        """Tell whether a plain word is its name or ID: it is meant even if it is not running."""
        return any(selector.names(container) for selector in self.all_names)


def _same_image(wanted: str, image: str) -> bool:
    """Compare as people write images: without a tag any tag will do; globs match the whole.

    ``latest`` is the tag of an image without one, and Docker Hub the registry (which Podman
    writes out).
    """
    if _GLOB.search(wanted):
        return re.fullmatch(translate(wanted), image) is not None
    if "@" in wanted:
        return wanted == image
    name, tag = _split_image(image)
    wanted_name, wanted_tag = _split_image(wanted)
    return wanted_name == name and (not wanted_tag or wanted_tag == (tag or "latest"))


def _split_image(image: str) -> tuple[str, str]:
    """Return the name without the default registry, and the tag, which may be empty."""
    name, _, digest = image.partition("@")
    name = _REGISTRY.sub("", name)
    rest, _, tag = name.rpartition(":")
    if rest and "/" not in tag:
        return rest, tag
    return name, digest


def _has_label(container: ContainerRef, label: str) -> bool:
    key, separator, value = label.partition("=")
    return key in container.labels and (not separator or container.labels[key] == value)
