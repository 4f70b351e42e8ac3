"""Share the tests out among processes: `make test` runs several of them side by side.

An engine's tests run in one process, so that it is started once; those that have engines of their
own, such as a swarm's two, in another. All other tests go by file.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile("lobtail", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lobtail")

TESTS = Path(__file__).parent
ENGINES = ("bookworm", "trixie", "podman")


def group_of(item: pytest.Item) -> str:
    """Return the name that all tests bear which run in the same process."""
    folder, name = item.path.relative_to(TESTS).parts[0], item.path.stem
    if folder != "engine" or name == "test_examples":  # that has an engine of its own
        return f"{folder}/{item.path.relative_to(TESTS)}"
    fixtures = getattr(item, "fixturenames", ())
    callspec = getattr(item, "callspec", None)
    values = callspec.params.values() if callspec else ()
    engine = next((value for value in values if value in ENGINES), None)
    if engine is None:
        engine = "podman" if "far_podman" in fixtures else "bookworm"
    if name == "test_ui_actions":
        return f"ui-{engine}"
    return f"swarm-{engine}" if "swarm" in fixtures else engine


def weight_of(group: str) -> int:
    """Return what comes first: what takes longest, so that nothing is waited for at the end."""
    order = ["bookworm", "trixie", "podman", "ui-", "swarm-", "engine/", "lab/", "faults/"]
    return next((n for n, start in enumerate(order) if group.startswith(start)), len(order))


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    item.add_marker(pytest.mark.xdist_group(group_of(item)))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: weight_of(group_of(item)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    plugin = terminalreporter.config.pluginmanager.get_plugin("_cov")
    total = getattr(plugin, "cov_total", None)
    if total is not None:
        terminalreporter.write_line(
            f"coverage: {total:.0f} % of src/, by tests without subprocesses"
        )
