"""Rows of samples, goals, the table and the JSON."""

import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# unit → digits behind the point
DIGITS = {"s": 2, "ms": 1, "MiB": 1}


@dataclass(frozen=True)
class Goal:
    """What is to be reached: a figure of lobtail's samples, at most `limit`.

    `kind` names the figure: the median of the `ratio`s or `difference`s of neighbouring runs, or
    lobtail's own `median` or `max`.
    """

    kind: str
    limit: float

    def text(self, unit: str) -> str:
        """Return the goal for the table."""
        return {
            "ratio": f"≤ {self.limit:g} ×",
            "difference": f"≤ docker + {self.limit:g} {unit}",
            "median": f"≤ {self.limit:g} {unit}",
            "max": f"max ≤ {self.limit:g} {unit}",
        }[self.kind]


@dataclass
class Row:
    """One measure: the samples of both, in the order of the runs; either may have none."""

    name: str
    unit: str
    docker: list[float] = field(default_factory=list)
    lobtail: list[float] = field(default_factory=list)
    goal: Goal | None = None

    def add(self, client: str, value: float) -> None:
        """Add a sample of `docker` or `lobtail`."""
        (self.lobtail if client == "lobtail" else self.docker).append(value)

    def pairs(self, figure: Callable[[float, float], float]) -> list[float]:
        """Return `figure(lobtail, docker)` of each round: noise in both cancels out."""
        return [
            figure(ours, theirs) for ours, theirs in zip(self.lobtail, self.docker, strict=False)
        ]

    def reached(self) -> float | None:
        """Return what the goal is about."""
        if self.goal is None or not self.lobtail:
            return None
        if self.goal.kind == "ratio":
            return statistics.median(self.pairs(lambda a, b: a / b))
        if self.goal.kind == "difference":
            return statistics.median(self.pairs(lambda a, b: a - b))
        return (max if self.goal.kind == "max" else statistics.median)(self.lobtail)

    def missed(self) -> bool:
        """Tell whether there is a goal and it is not reached."""
        reached = self.reached()
        return self.goal is not None and (reached is None or reached > self.goal.limit)

    def cells(self) -> list[str]:
        """Return the row for the table."""
        digits = DIGITS[self.unit]
        goal = self.goal.text(self.unit) if self.goal else ""
        verdict = "" if self.goal is None else "MISSED" if self.missed() else "met"
        return [
            f"{self.name}, {self.unit}",
            spread(self.docker, digits),
            spread(self.lobtail, digits),
            spread(self.pairs(lambda a, b: a / b), 2),
            goal,
            verdict,
        ]

    def data(self) -> dict[str, Any]:
        """Return all of it for the JSON."""
        goal = self.goal and {"kind": self.goal.kind, "limit": self.goal.limit}
        return {
            "name": self.name,
            "unit": self.unit,
            "docker": self.docker,
            "lobtail": self.lobtail,
            "goal": goal,
            "reached": self.reached(),
            "missed": self.missed(),
        }


def spread(samples: list[float], digits: int) -> str:
    """Return `median (min-max)`."""
    if not samples:
        return "-"
    middle = f"{statistics.median(samples):.{digits}f}"
    if len(samples) == 1:
        return middle
    return f"{middle} ({min(samples):.{digits}f}–{max(samples):.{digits}f})"


HEAD = ["median (min–max)", "docker logs", "lobtail logs", "ratio", "goal", ""]


def table(rows: list[Row]) -> str:
    """Return a Markdown table that is also legible as it is."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    text = [
        " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) for line in lines
    ]
    text.insert(1, " | ".join("-" * width for width in widths))
    return "\n".join(f"| {line} |" for line in text)


def write_json(path: Path, facts: dict[str, Any], rows: list[Row]) -> None:
    """Write everything that was measured."""
    path.parent.mkdir(parents=True, exist_ok=True)
    result = {**facts, "results": [row.data() for row in rows]}
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
