"""Where the word at the cursor stands, and how bash sees it. Shells and engines: tests/engine."""

from __future__ import annotations

import pytest

from lobtail.cli.complete import candidates
from lobtail.cli.complete_bash import split
from lobtail.cli.complete_line import find_place
from lobtail.cli.main import cli

BREAKS = " \t\n\"'@><=;|&(:"


@pytest.mark.parametrize(
    ("words", "kind", "before", "word"),
    [
        ("", "commands", "", ""),
        ("ta", "commands", "", "ta"),
        ("-", "options", "", "-"),
        ("-H", "options", "", "-H"),
        ("-H ", "", "", ""),
        ("-H x ta", "commands", "", "ta"),
        ("nope ", "", "", ""),
        ("plugin in", "commands", "", "in"),
        ("plugin install --d", "options", "", "--d"),
        ("plugin install --dir /t", "dir", "", "/t"),
        ("logs we", "container", "", "we"),
        ("logs web ", "", "", ""),
        ("logs -f we", "container", "", "we"),
        ("logs -n 5 we", "container", "", "we"),
        ("logs -n5 we", "container", "", "we"),
        ("logs -ft we", "container", "", "we"),
        ("logs -f=false we", "container", "", "we"),
        ("logs --follow=false we", "container", "", "we"),
        ("logs -n ", "", "", ""),
        ("logs --file /va", "file", "", "/va"),
        ("logs --file=/va", "file", "--file=", "/va"),
        ("logs -- -x", "container", "", "-x"),
        ("frames --host h w", "container", "", "w"),
        ("tail a b we", "container", "", "we"),
        ("tail -E we", "container", "", "we"),
        ("tail -Ewe", "container", "-E", "we"),
        ("tail -fE=we", "container", "-fE=", "we"),
        ("tail -t we", "container", "", "we"),
        ("tail -t=sh", "stamps", "-t=", "sh"),
        ("tail --timestamps sh", "container", "", "sh"),
        ("tail --timestamps=sh", "stamps", "--timestamps=", "sh"),
        ("tail -l te", "label", "", "te"),
        ("tail --label=te", "label", "--label=", "te"),
        ("tail --project sh", "project", "", "sh"),
        ("tail --level w", "level", "", "w"),
        ("tail --no-f", "options", "", "--no-f"),
        ("tail --no-follow w", "container", "", "w"),
        ("tail --unknown w", "container", "", "w"),
    ],
)
def test_the_place(words: str, kind: str, before: str, word: str) -> None:
    place = find_place(words.split(" "))
    assert (place.kind, place.before, place.word) == (kind, before, word)


def test_the_words_that_say_which_engine() -> None:
    place = find_place(["-H", "a", "tail", "-H", "b", "-f", "--host=c", "w"])
    assert place.root == ["-H", "a"]
    assert place.hosts == ["-H", "b", "-H", "c"]


def offered(words: str) -> set[str]:
    return {item.word for item in candidates(find_place(words.split(" ")))}


def test_commands_are_all_that_there_are_but_hidden_ones() -> None:
    context = cli.make_context("lobtail", [], resilient_parsing=True)
    assert offered("") == set(cli.list_commands(context))
    assert offered("plugin ") == {"install", "uninstall"}


def test_options_that_are_there_already_are_not_offered() -> None:
    assert offered("logs --fo") == {"--follow"}
    assert offered("logs -f --fo") == set()
    assert offered("logs --follow") == {"--follow"}
    assert offered("tail --label a=b --lab") == {"--label"}  # it may be given again
    assert {"-f", "--follow", "--no-follow", "--label"} <= offered("tail -")
    assert "-f" not in offered("tail --")


def test_values_that_need_no_engine() -> None:
    assert offered("tail --stream ") == {"both", "stdout", "stderr"}
    assert offered("tail --stream=std") == {"stdout", "stderr"}
    assert offered("tail -o j") == {"json"}
    assert offered("tail --level w") == {"warn"}
    assert offered("tail --timezone Europe/Berli") == {"Europe/Berlin"}
    assert offered("tail -t=") == {"rfc3339", "short", "relative", "none"}
    assert offered("completion ") == {"bash", "zsh", "fish"}
    assert offered("tail --since ") == set()
    assert offered("nope ") == set()


def test_an_engine_that_is_not_there_has_nothing() -> None:
    assert offered("-H unix:///nowhere/docker.sock tail w") == set()
    assert offered("-H bogus:// tail w") == set()


@pytest.mark.parametrize(
    ("line", "words", "kept", "quote"),
    [
        ("lobtail", [""], 0, ""),
        ("lobtail ", [""], 0, ""),
        ("lobtail  ta", ["ta"], 0, ""),
        ("lobtail tail --stream=st", ["tail", "--stream=st"], 9, ""),
        ("lobtail -H unix:///x.sock ta", ["-H", "unix:///x.sock", "ta"], 0, ""),
        ("lobtail -H unix:///x", ["-H", "unix:///x"], 5, ""),
        ("lobtail tail 'a b' \"c d\" e\\ f", ["tail", "a b", "c d", "e f"], 0, ""),
        ("lobtail tail 'we", ["tail", "we"], 0, "'"),
        ("lobtail tail --label='a b", ["tail", "--label=a b"], 8, "'"),
        ("lobtail tail 'a' ", ["tail", "a", ""], 0, ""),
        ("lobtail tail a\\", ["tail", "a"], 0, ""),
        ('lobtail tail "a\\"b', ["tail", 'a"b'], 0, '"'),
        ("lobtail tail ''", ["tail", ""], 0, ""),
    ],
)
def test_bash(line: str, words: list[str], kept: int, quote: str) -> None:
    assert split(BREAKS, line) == (words, (kept, quote))


def test_what_bash_replaces_is_quoted_unless_it_is_in_quotes() -> None:
    assert split(BREAKS, "lobtail tail -l odd=")[1].replaced("odd=a $b") == "a\\ \\$b"
    assert split(BREAKS, "lobtail tail -l 'odd=")[1].replaced("odd=a $b") == "odd=a $b"
