"""Share the tests out among processes: `make test` runs several of them side by side.

An engine's tests run in one process or two, so that it is started once in each; those that have
engines of their own, such as a swarm's two, in others. All other tests go by file.
"""

from __future__ import annotations

import gc
import re
from pathlib import PurePath

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler.loadscope import LoadScopeScheduling

# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile("lobtail", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# `make check` tries a tenth of what `make test` does at random.
settings.register_profile("brief", settings.get_profile("lobtail"), max_examples=10)
settings.load_profile("lobtail")

ENGINES = re.compile(r"[\[-](bookworm|trixie|podman)\b")
OWN_ENGINES = ("test_examples", "test_service_logs", "test_tail_services", "test_ui_engines")


def group_of(nodeid: str) -> str:
    """Return the name that all tests bear which run in the same process."""
    path = PurePath(nodeid.partition("::")[0])
    if path.parent.name != "engine" or "unit" in path.parts:
        return str(path)
    match = ENGINES.search(nodeid)
    engine = match[1] if match else "podman" if "podman" in nodeid else "bookworm"
    if path.stem in OWN_ENGINES:
        return f"{path} {engine}"
    for part in ("test_ui_actions", "test_tail"):
        if path.stem.startswith(part):
            return f"{part} {engine}"
    return f"engine {engine}"


def weight_of(nodeid: str) -> int:
    """Return what comes first: what takes longest, so that nothing is waited for at the end."""
    group = group_of(nodeid)
    order = (
        *("test_tail", "engine", "test_ui", "tests/engine", "tests/lab", "tests/faults"),
        *("tests/unit/tui", "tests/unit/files", "tests/unit/follow"),
    )
    return next((n for n, start in enumerate(order) if group.startswith(start)), len(order))


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives each process one group after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupScheduling:
    return GroupScheduling(config, log)


def pytest_collection_finish() -> None:
    """Have the garbage collector leave alone what lives as long as the tests.

    Tests that look for leaks collect a hundred times: 1 ms each then, rather than 50.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: weight_of(item.nodeid))
