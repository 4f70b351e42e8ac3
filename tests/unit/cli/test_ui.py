"""`lobtail ui` before it has a screen: what it needs, and what it is given."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT = """
import sys

class Nobody:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("textual", "rich"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Nobody())
import lobtail.cli.main as m
sys.argv[1:] = ["ui"]
sys.exit(m.run())
"""


def run(*args: str, config: str = "/dev/null") -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "lobtail", "-H", "unix:///nonexistent", "ui", *args],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/bin", "TERM": "xterm", "LOBTAIL_CONFIG": config},
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_without_the_extra_it_says_what_to_install() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "lobtail: the terminal UI needs: pip install 'lobtail[tui]'\n"


def test_without_a_terminal_it_says_so() -> None:
    code, said = run()
    assert code == 2
    assert said == "lobtail: lobtail ui needs a terminal: stdin and stdout are none\n"


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ('[ui]\ntheme = "pink"\n', "theme"),
        ("[ui]\nwarp = true\n", "did you mean wrap?"),
        ('[ui.keys]\nwarp = "w"\n', "[ui.keys] has no 'warp'"),
        ("[ui]\nkeys = 1\n", "ui.keys should be a table"),
        ('[ui]\ntimezone = "Mars/Base"\n', "no time zone 'Mars/Base'"),
    ],
)
def test_what_the_file_says_is_checked(tmp_path: Path, file: str, said: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(file)
    code, stderr = run(config=str(path))
    assert code == 2
    assert said in stderr
    assert stderr.count("\n") <= 2


def test_selectors_are_checked_before_anything_connects() -> None:
    code, said = run("/(/")
    assert code == 2
    assert "invalid regex" in said
