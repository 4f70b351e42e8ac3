"""Compare output with golden files, byte by byte."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

__all__ = ["GOLDEN", "golden"]

GOLDEN: Final = Path(__file__).parents[1] / "golden"

_HINT: Final = (
    "if the new output is right, run the test again with LOBTAIL_UPDATE_GOLDEN=1 and look at the "
    "diff before you commit it"
)


def golden(name: str, data: bytes) -> None:
    """Hold that ``data`` is what ``tests/golden/NAME`` has; rewrite it if that is asked for."""
    path = GOLDEN / name
    if os.environ.get("LOBTAIL_UPDATE_GOLDEN") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return
    assert path.exists(), f"there is no tests/golden/{name}; {_HINT}"
    wanted = path.read_bytes().split(b"\n")
    got = data.split(b"\n")
    for number, (want, have) in enumerate(zip(wanted, got, strict=False), 1):
        assert have == want, f"line {number} of tests/golden/{name} differs; {_HINT}"
    assert len(got) == len(wanted), f"tests/golden/{name} has another number of lines; {_HINT}"
