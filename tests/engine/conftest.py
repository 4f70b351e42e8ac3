"""Each test here runs on every engine under test.

These are private ones of Docker 20.10 and 26.1, or the one that LOBTAIL_TEST_HOST names. Without
an engine the tests fail: nothing is skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from support.engines import LAB, Lab, TestEngine
from support.remote import Far
from support.swarm import Swarm

GIVEN = os.environ.get("LOBTAIL_TEST_HOST", "")
SUITES = ["given"] if GIVEN else ["bookworm", "trixie"]
# Podman speaks the same API, with stamps of whole seconds and events of its own.
ALL_SUITES = SUITES if GIVEN else [*SUITES, "podman"]


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    lab = Lab()
    yield lab
    lab.close()


@pytest.fixture(scope="session", params=SUITES)
def engine(request: pytest.FixtureRequest, lab: Lab) -> Iterator[TestEngine]:
    yield from open_engine(request.param, lab)


@pytest.fixture(scope="session", params=ALL_SUITES)
def any_engine(request: pytest.FixtureRequest, lab: Lab) -> Iterator[TestEngine]:
    yield from open_engine(request.param, lab)


@pytest.fixture(scope="session")
def one_engine(lab: Lab) -> Iterator[TestEngine]:
    """An engine for what does not depend on which it is."""
    yield from open_engine(SUITES[0], lab)


@pytest.fixture(scope="session", params=["bookworm", "trixie"])
def far(
    request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Far]:
    """An engine reached by TLS and by ssh: the lab's own, also where another was given."""
    yield from open_far(request.param, lab, tmp_path_factory)


@pytest.fixture(scope="session")
def far_podman(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    yield from open_far("podman", lab, tmp_path_factory)


def open_far(suite: str, lab: Lab, folders: pytest.TempPathFactory) -> Iterator[Far]:
    engine = TestEngine(suite, lab.host(suite))
    yield Far(engine, folders.mktemp("home"))
    engine.remove(*set(engine.containers.values()), missing_ok=True)


def open_engine(suite: str, lab: Lab) -> Iterator[TestEngine]:
    if GIVEN:
        subprocess.run([sys.executable, str(LAB), "image", GIVEN], check=True)
    engine = TestEngine(suite, GIVEN or lab.host(suite))
    yield engine
    engine.remove(*set(engine.containers.values()), missing_ok=True)


@pytest.fixture(scope="session", params=["bookworm", "trixie"])
def swarm(request: pytest.FixtureRequest, lab: Lab) -> Swarm:
    """Two engines of their own, for what is swarm is swarm until an engine leaves."""
    return Swarm(request.param, lab)
