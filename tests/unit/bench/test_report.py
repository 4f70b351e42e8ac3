"""The rows, the chart and the page of the benchmarks: what they make of samples."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchkit import BenchError
from benchkit.chart import chart
from benchkit.docs import BEGIN, END, write_docs
from benchkit.many import Account
from benchkit.report import Goal, Row, read_json, table, write_json

SVG = "{http://www.w3.org/2000/svg}"


def row(goal: Goal | None = None, against: str = "docker") -> Row:
    made = Row("read", "s", goal, against, chart={"docker": "a <b>", "lobtail": "c"})
    for docker, ours in ((1.0, 0.5), (10.0, 9.0), (2.0, 1.0)):
        made.add("docker", docker)
        made.add("lobtail", ours)
    return made


@pytest.mark.parametrize(
    ("goal", "reached", "missed"),
    [
        (Goal("ratio", 0.5), 0.5, False),
        (Goal("ratio", 0.4), 0.5, True),
        (Goal("difference", 0), -1.0, False),
        (Goal("median", 0.9), 1.0, True),
        (Goal("max", 9), 9.0, False),
    ],
)
def test_a_goal_is_about_pairs_or_about_lobtail(goal: Goal, reached: float, missed: bool) -> None:
    made = row(goal)
    assert made.reached() == reached
    assert made.missed() is missed


def test_a_goal_without_samples_is_missed() -> None:
    assert row(Goal("ratio", 9), against="docker-py").missed()
    assert not Row("nothing", "s").missed()


def test_a_row_takes_the_lobtail_that_it_is_about() -> None:
    made = Row("read", "s", ours="files")
    made.add("files", 1.0)
    made.add("lobtail", 2.0)
    made.add("docker", 3.0)
    assert made.samples == {"lobtail": [1.0], "docker": [3.0]}


def test_rows_come_back_from_json(tmp_path: Path) -> None:
    path = tmp_path / "results" / "run.json"
    made = row(Goal("ratio", 0.4))
    write_json(path, {"CPUs": 2}, [made])
    assert read_json(path) == ({"CPUs": 2}, [made])


def test_the_table_has_medians_spread_and_verdict() -> None:
    cells = [cell.strip() for cell in table([row(Goal("ratio", 0.4))]).splitlines()[2].split("|")]
    assert cells[1:-1] == [
        *("read, s", "2.00 (1.00–10.00)", "-", "-", "1.00 (0.50–9.00)"),
        *("0.50 (0.50–0.90)", "≤ 0.4 × docker", "MISSED"),
    ]


def test_the_chart_has_a_bar_for_each_median_to_the_scale_of_its_group() -> None:
    tree = ET.fromstring(chart([row(), Row("without", "s")]))
    bars = {bar.attrib["class"]: float(bar.attrib["width"]) for bar in tree.iter(f"{SVG}rect")}
    assert bars["other"] == pytest.approx(2 * bars["lobtail"], rel=0.01)
    texts = [text.text for text in tree.iter(f"{SVG}text")]
    assert texts == ["read", "a <b>", "2.00 s", "c", "1.00 s · 0.50 ×"]


def test_the_page_gets_its_figures_again_and_again(tmp_path: Path) -> None:
    page, image = tmp_path / "page.md", tmp_path / "chart.svg"
    page.write_text(f"before\n{BEGIN}{END}after\n")
    write_docs({"CPUs": 1}, [row()], page, image)
    write_docs({"CPUs": 2}, [row()], page, image)
    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}\nCPUs 2\n\n| median")
    assert text.endswith(f" |\n\n{END}after\n")
    assert text.count("| read") == 1
    assert "<svg" in image.read_text()


def test_a_page_without_a_place_for_figures_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("words")
    with pytest.raises(BenchError, match="no place for the figures"):
        write_docs({}, [], page, tmp_path / "chart.svg")
    assert page.read_text() == "words"


def test_lines_that_are_lost_doubled_or_moved_are_told() -> None:
    account = Account()
    account.take(b"1 0\n2 0\n1 1 x\n2 1")
    account.take(b" x\n1 2 x\n1 3 x\n")
    assert (account.lines, account.faults, account.last) == (4, 0, {b"1": 3, b"2": 1})
    account.take(b"2 3 x\n1 3 x\n")
    assert (account.lines, account.faults) == (6, 2)
