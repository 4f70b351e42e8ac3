"""Type checkers find no error in programs that use all of the public names."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import lobtail
import lobtail.sync

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "tests" / "typed"
# A program of a user knows nothing of this project's settings; what mypy found out it may keep.
MYPY = ["--strict", "--config-file=", f"--cache-dir={ROOT / '.mypy_cache' / 'users'}"]


def used(program: Path) -> set[str]:
    """Return the names that a program has a use for, besides importing them."""
    found = set()
    for node in ast.walk(ast.parse(program.read_text())):
        if isinstance(node, ast.Name):
            found.add(node.id)
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
    return found


def check(*command: str) -> None:
    env = {k: v for k, v in os.environ.items() if k != "MYPYPATH"}
    env["PYRIGHT_PYTHON_IGNORE_WARNINGS"] = "1"  # of newer versions, for which it would look
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=PROGRAMS,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "program"), [(lobtail, "asynchronous.py"), (lobtail.sync, "blocking.py")]
)
def test_the_programs_use_every_public_name(module: ModuleType, program: str) -> None:
    assert set(module.__all__) <= used(PROGRAMS / program)


def test_mypy_finds_nothing() -> None:
    check("mypy", *MYPY, "asynchronous.py", "blocking.py")


def test_pyright_finds_nothing() -> None:
    check("pyright", "--pythonpath", sys.executable, "asynchronous.py", "blocking.py")


def test_mypy_would_find_something(tmp_path: Path) -> None:
    program = tmp_path / "wrong.py"
    program.write_text(
        "import lobtail.sync\nn: int = lobtail.sync.Engine().stop('web')\ns: str = n\n"
    )
    with pytest.raises(AssertionError, match=r'variable has type "str"'):
        check("mypy", *MYPY, str(program))
