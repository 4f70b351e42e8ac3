"""Run the command line without a process of its own, where one would prove nothing more."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

import pytest

from faults.command import RunHere, environment
from lobtail.cli.main import run
from support.engines import Result


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> RunHere:
    """Return a function that does what `faults.command.lobtail` does, for what never connects."""

    def run_command(host: str, *args: str, env: Mapping[str, str] | None = None) -> Result:
        with monkeypatch.context() as patch:
            for name in os.environ:
                patch.delenv(name)
            # Help is as wide as the terminal, and the tests may have one.
            for name, value in {**environment(host, env), "COLUMNS": "80"}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["lobtail", *args])
            code = run()
        stdout, stderr = capfd.readouterr()
        return Result(stdout.encode(), stderr.encode(), code)

    return run_command
