"""The chart of docs/performance.md: a group of bars for each row that has a `chart`, as SVG."""

import statistics
from collections.abc import Iterable
from xml.sax.saxutils import escape

from benchkit.report import CLIENTS, DIGITS, OURS, Row

WIDTH = 760
LABELS = 280  # columns of pixels that the names take
VALUES = 130  # and those behind the longest bar
BAR = 18
STEP = 26  # from bar to bar
HEAD = 30  # a group's title
GAP = 16  # between groups
MARGIN = 8

# Both themes in one file: an <img> follows what the browser prefers.
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.value { fill: #59636e }
.other { fill: #afb8c1 }
.lobtail { fill: #2f81f7 }
.spread { stroke: #1f2328; stroke-width: 1.5; fill: none }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .value { fill: #9198a1 }
  .other { fill: #565e67 }
  .spread { stroke: #e6edf3 }
}
"""


def chart(rows: Iterable[Row]) -> str:
    """Return the SVG: medians as bars, from the least to the greatest sample as lines.

    Each group has its own scale, for what counts is how its bars compare.
    """
    parts: list[str] = []
    top = 0
    for row in rows:
        bars = [client for client in CLIENTS if client in (row.chart or {}) and row.of(client)]
        if OURS not in bars or len(bars) < 2:
            continue
        parts.append(_text(0, top + 18, row.name, "title"))
        top += HEAD
        longest = max(max(row.of(client)) for client in bars)
        for client in bars:
            parts += _bar(row, client, top, (WIDTH - LABELS - VALUES) / longest)
            top += STEP
        top += GAP
    height = max(top - GAP, 1)
    box = f"{-MARGIN} {-MARGIN} {WIDTH + 2 * MARGIN} {height + 2 * MARGIN}"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}"'
        f' width="{WIDTH + 2 * MARGIN}" height="{height + 2 * MARGIN}" role="img">'
    )
    title = "<title>lobtail beside other readers of container logs, in one run</title>"
    return "\n".join([head, title, f"<style>{STYLE}</style>", *parts, "</svg>", ""])


def _bar(row: Row, client: str, top: int, scale: float) -> list[str]:
    samples = row.of(client)
    median = statistics.median(samples)
    kind = "lobtail" if client == OURS else "other"
    middle = top + BAR / 2
    low, high = (LABELS + value * scale for value in (min(samples), max(samples)))
    value = f"{median:.{DIGITS[row.unit]}f} {row.unit}"
    if client == OURS and (ratios := row.pairs(lambda a, b: a / b)):
        value += f" · {statistics.median(ratios):.2f} ×"
    name = (row.chart or {})[client]
    size = f'x="{LABELS}" y="{top}" width="{median * scale:.1f}" height="{BAR}" rx="2"'
    parts = [
        _text(LABELS - 10, top + 13, name, "", anchor="end"),
        f'<rect class="{kind}" {size}/>',
        _text(high + 8, top + 13, value, "value"),
    ]
    if len(samples) > 1:
        parts.append(
            f'<path class="spread" d="M{low:.1f} {middle}H{high:.1f}'
            f'M{low:.1f} {middle - 4}v8M{high:.1f} {middle - 4}v8"/>'
        )
    return parts


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    marks = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{marks} text-anchor="{anchor}">{escape(text)}</text>'
