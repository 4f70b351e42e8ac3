"""Put the figures of a run into docs/performance.md, and its chart beside it."""

from pathlib import Path
from typing import Any

from benchkit import BenchError
from benchkit.chart import chart
from benchkit.report import Row, facts_line, table

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "performance.md"
IMAGE = DOCS / "images" / "performance.svg"
BEGIN = "<!-- figures: written by make bench ARGS=--docs -->\n"
END = "<!-- end of figures -->\n"


def write_docs(
    facts: dict[str, Any], rows: list[Row], page: Path = PAGE, image: Path = IMAGE
) -> None:
    """Replace what stands between the two marks of the page, and the chart."""
    text = page.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(END) < text.index(BEGIN):
        raise BenchError(f"{page} has no place for the figures: {BEGIN.strip()}")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    figures = f"{facts_line(facts)}\n\n{table(rows)}\n"
    page.write_text(f"{before}{BEGIN}\n{figures}\n{END}{after}")
    image.write_text(chart(rows))
