"""Rows of samples, goals, the table and the JSON."""

import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

# unit → digits behind the point
DIGITS = {"s": 2, "ms": 1, "MiB": 1, "lines": 0, "lines/s": 0, "CPUs": 2, "fds": 0, "left": 0}

OURS = "lobtail"
# The columns of the table, in this order.
CLIENTS = ("docker", "docker-py", "aiodocker", OURS)


@dataclass(frozen=True)
class Goal:
    """What is to be reached: a figure of lobtail's samples, at most `limit`.

    `kind` names the figure: the median of the `ratio`s or `difference`s of neighbouring runs, or
    lobtail's own `median` or `max`.
    """

    kind: str
    limit: float

    def text(self, unit: str, against: str) -> str:
        """Return the goal for the table."""
        return {
            "ratio": f"≤ {self.limit:g} × {against}",
            "difference": f"≤ {against} + {self.limit:g} {unit}",
            "median": f"≤ {self.limit:g} {unit}",
            "max": f"max ≤ {self.limit:g} {unit}",
        }[self.kind]


@dataclass
class Row:
    """One measure: the samples of each client, in the order of the runs; any may have none.

    `against` is the client that lobtail is compared with. `ours` tells which way of running lobtail
    the row is about, where a step has several. With `chart`, a client's name → what it ran, the row
    is a group of bars in the chart.
    """

    name: str
    unit: str
    goal: Goal | None = None
    against: str = "docker"
    ours: str = OURS
    chart: dict[str, str] | None = None
    samples: dict[str, list[float]] = field(default_factory=dict)

    def add(self, client: str, value: float) -> None:
        """Add a sample; one of lobtail run in another way than this row's is left out."""
        if client == self.ours:
            client = OURS
        elif client not in CLIENTS or client == OURS:
            return
        self.samples.setdefault(client, []).append(value)

    def of(self, client: str) -> list[float]:
        """Return the samples of a client."""
        return self.samples.get(client, [])

    def pairs(self, figure: Callable[[float, float], float]) -> list[float]:
        """Return `figure(lobtail, other)` of each round: noise in both cancels out."""
        both = zip(self.of(OURS), self.of(self.against), strict=False)
        return [figure(ours, theirs) for ours, theirs in both]

    def reached(self) -> float | None:
        """Return what the goal is about; None if it was not measured."""
        if self.goal is None:
            return None
        if self.goal.kind == "ratio":
            figures = self.pairs(lambda a, b: a / b)
        elif self.goal.kind == "difference":
            figures = self.pairs(lambda a, b: a - b)
        else:
            figures = self.of(OURS)
        if not figures:
            return None
        return max(figures) if self.goal.kind == "max" else statistics.median(figures)

    def missed(self) -> bool:
        """Tell whether there is a goal and it is not reached."""
        reached = self.reached()
        return self.goal is not None and (reached is None or reached > self.goal.limit)

    def cells(self) -> list[str]:
        """Return the row for the table."""
        digits = DIGITS[self.unit]
        ratios = self.pairs(lambda a, b: a / b if b else 1.0)
        return [
            f"{self.name}, {self.unit}",
            *(spread(self.of(client), digits) for client in CLIENTS),
            spread(ratios, 2),
            self.goal.text(self.unit, self.against) if self.goal else "",
            "" if self.goal is None else "MISSED" if self.missed() else "met",
        ]

    def data(self) -> dict[str, Any]:
        """Return all of it for the JSON."""
        return {
            "name": self.name,
            "unit": self.unit,
            "goal": self.goal and {"kind": self.goal.kind, "limit": self.goal.limit},
            "against": self.against,
            "chart": self.chart,
            "samples": self.samples,
            "reached": self.reached(),
            "missed": self.missed(),
        }

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        """Return the row that `data` was made of."""
        goal = data["goal"] and Goal(**data["goal"])
        kept = {key: data[key] for key in ("name", "unit", "against", "chart", "samples")}
        return cls(**kept, goal=goal)


def spread(samples: list[float], digits: int) -> str:
    """Return `median (min–max)`."""
    if not samples:
        return "-"
    middle = f"{statistics.median(samples):.{digits}f}"
    if len(samples) == 1:
        return middle
    return f"{middle} ({min(samples):.{digits}f}–{max(samples):.{digits}f})"


HEAD = ["median (min–max)", "docker CLI", "docker-py", "aiodocker", OURS, "ratio", "goal", ""]


def table(rows: list[Row]) -> str:
    """Return a Markdown table that is also legible as it is."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    text = [
        " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) for line in lines
    ]
    text.insert(1, " | ".join("-" * width for width in widths))
    return "\n".join(f"| {line} |" for line in text)


def facts_line(facts: dict[str, Any]) -> str:
    """Return on one line what was measured with what."""
    return " · ".join(f"{key} {value}" for key, value in facts.items())


def write_json(path: Path, facts: dict[str, Any], rows: list[Row]) -> None:
    """Write everything that was measured."""
    path.parent.mkdir(parents=True, exist_ok=True)
    result = {"facts": facts, "rows": [row.data() for row in rows]}
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> tuple[dict[str, Any], list[Row]]:
    """Return what `write_json` wrote."""
    result = json.loads(path.read_text())
    return result["facts"], [Row.from_data(row) for row in result["rows"]]
