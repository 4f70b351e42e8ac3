"""Which lines continue the one before them: the rules, as data.

A log is read line by line, and an entry has a *state* that its lines so far have put it in. Rules
come in three kinds:

- ``opens``: where such a line is the first of an entry, the entry is in state ``into``;
- ``begins``: the same, and such a line never continues an entry;
- ``continues``: such a line goes on with an entry that is in one of the states ``after`` (in any,
  where none is given), which is then in state ``into``.

A line that is indented or blank needs no rule, and where the lines of a container usually begin
with a time or a level, neither does one that has none (``entries.grouper``).
"""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

__all__ = ["RULES", "Rule"]


class Rule(msgspec.Struct, frozen=True):
    """What one sort of line means."""

    name: str
    kind: Literal["opens", "begins", "continues"]
    line: str
    """A regex that matches at the beginning of the line."""
    texts: tuple[str, ...] = ()
    """What its lines begin with, one of these. To be given where lines of any sort can follow, or
    where the line continues an entry in any state: other lines are passed over without a look."""
    after: tuple[str, ...] = ()
    into: str = ""
    """The state that follows; empty for the same as before."""
    alarmed: bool = False
    """It goes on only with an entry whose first line speaks of an error or the like."""
    loose: bool = False
    """It takes no line that has a time or a level of its own."""

    def pattern(self) -> re.Pattern[bytes]:
        """Compile ``texts`` and ``line`` into one."""
        texts = "|".join(map(re.escape, self.texts))
        return re.compile((f"(?={texts})(?:{self.line})" if texts else self.line).encode())


# The name of an exception, perhaps with its package.
_FAULT: Final = r"(?:[A-Za-z_$][\w$]*+(?:\.|::|/))*+[A-Za-z_$][\w$]*+"
_SQL: Final = ("SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH ", "CREATE ", "ALTER ")

RULES: Final = (
    # --- Java and other languages of the JVM
    Rule("java: uncaught", "begins", "", ("Exception in thread ",), into="thrown"),
    Rule("more of its message", "continues", "", after=("thrown",), loose=True),
    Rule("java: the cause", "continues", "", ("Caused by: ", "Suppressed: "), into="trace"),
    Rule("java: frames left out", "continues", r"... \d+ (?:more|common frames)", ("... ",)),
    Rule(
        "java.util.logging: the place",
        "opens",
        r"[A-Z][a-z]{2} \d\d?, \d{4} \d{1,2}:\d\d:\d\d [AP]M \S+ \S+$",
        into="place",
    ),
    Rule("java.util.logging: what it says", "continues", "[A-Z]+: ", after=("place",), into="said"),
    # What was read may begin within a trace.
    Rule("the rest of a trace", "opens", r"[ \t]+at .*(?:\(.*\)|:\d+)$", into="trace"),
    # --- Python
    Rule(
        "python: a traceback", "begins", "", ("Traceback (most recent call last)",), into="python"
    ),
    Rule(
        "python: a traceback behind a message",
        "continues",
        "",
        ("Traceback (most recent call last)",),
        after=("", "thrown"),
        into="python",
        alarmed=True,
    ),
    Rule("python: a chained one", "continues", "Traceback ", after=("chained",), into="python"),
    Rule("python: a group", "begins", r" +\+ Exception Group Traceback", into="group"),
    Rule("python: its members", "continues", r" +[|+]", after=("group",)),
    Rule("python: a syntax error", "begins", r' +File ".*", line \d+$', into="python"),
    Rule("python: the rest of a traceback", "opens", r'  File ".*", line \d+, in ', into="python"),
    Rule("python: a frame of loguru", "continues", "> File ", after=("python",)),
    Rule(
        "python: the exception",
        "continues",
        r"[A-Za-z_][\w.]*+(?:: |:?$)",
        after=("python",),
        into="raised",
        loose=True,
    ),
    Rule(
        "python: one exception after another",
        "continues",
        "During handling of the above exception|The above exception was the direct cause",
        after=("raised", "python"),
        into="chained",
    ),
    Rule("python: a crash", "begins", "Fatal Python error: ", into="crash"),
    Rule("python: threads", "continues", "Current thread |Thread 0x", after=("crash",)),
    Rule("python: ignored", "begins", "", ("Exception ignored in",), into="thrown"),
    Rule("asyncio: a task", "begins", "", ("Task exception was never",), into="thrown"),
    # --- Go
    Rule("go: a panic", "begins", "panic: ", into="go"),
    Rule("go: the runtime fails", "begins", "fatal error: ", into="go"),
    Rule("go: a signal", "begins", "", ("SIGQUIT: ", "SIGSEGV: ", "SIGABRT: "), into="go"),
    Rule("go: a goroutine", "continues", r"goroutine \d+ .*\[", ("goroutine ",), into="go"),
    Rule(
        "go: functions, registers, the end",
        "continues",
        r"[^\s(]+\(.*\)$|[^\s(]+\(\*?\w+\)\.|created by |\[signal |panic\(|exit status \d"
        r"|PC=0x|r\w{1,5} +0x|runtime stack:|\.\.\.",
        after=("go",),
    ),
    # --- Rust
    Rule(
        "rust: a panic",
        "begins",
        r"thread '.*' (?:\(\d+\) )?panicked at .*:$",
        ("thread '",),
        into="panicked",
    ),
    Rule("rust: an older panic", "begins", "thread '.*' panicked at ", into="rust"),
    Rule("rust: its message", "continues", "", after=("panicked",), into="rust", loose=True),
    Rule(
        "rust: a backtrace",
        "continues",
        "(?i:stack backtrace:)|note: run with|note: Some details",
        ("stack backtrace:", "Stack backtrace:", "note: "),
    ),
    Rule("anyhow: causes", "continues", "Caused by:$", ("Caused by:",)),
    # --- .NET
    Rule("dotnet: unhandled", "begins", "Unhandled exception", into="trace"),
    Rule("dotnet: parts of a trace", "continues", "", ("--- End of ",)),
    # --- JavaScript
    Rule("node: where it was thrown", "opens", r"(?:/|node:|file:)\S+:\d+$", into="node"),
    Rule(
        "node: the error",
        "continues",
        rf"(?:Uncaught )?{_FAULT}(?: \[\w+\])?(?:: |$)",
        after=("node",),
        into="trace",
    ),
    Rule("node: who emitted it", "continues", "Emitted '", after=("trace",)),
    Rule("node: the version", "continues", r"Node\.js v\d", after=("trace", "node")),
    Rule("node: a hint", "continues", "", ("(Use `node ",)),
    Rule("node: out of memory", "begins", "<--- Last few GCs --->", into="heap"),
    Rule("node: its heap", "continues", r"<--- JS|\[\d+:0x|FATAL ERROR|\d+: 0x", after=("heap",)),
    # --- PHP
    Rule("php: a stack trace", "continues", "", ("Stack trace:", "[stacktrace]"), into="trace"),
    Rule("php: a frame", "continues", r"#\d+ ", ("#",), into="trace"),
    Rule("php: the next exception", "continues", r"Next \S+: ", after=("trace",)),
    Rule("php: the end of a context", "continues", r'"\} ?$', after=("trace",)),
    # --- Ruby
    Rule(
        "ruby: an error while rescuing",
        "opens",
        r"\S+:\d+:in .(?:rescue|ensure) in ",
        into="rescued",
    ),
    Rule("ruby: its cause", "continues", r"\S+:\d+:in .*\)$", after=("rescued",), into="trace"),
    Rule("ruby: a frame", "continues", r"\S+\.rb:\d+:in .[^)]*$", ("/",)),
    # --- Erlang
    Rule("erlang: a report", "begins", r"=[A-Z ]+ REPORT=", ("=",), into="report"),
    Rule("erlang: what it says", "continues", "[^=]", after=("report",), loose=True),
    Rule("elixir: mix", "begins", r"\*\* \(Mix\)"),
    # --- documents
    Rule("json: a document", "opens", r"\{(?:.*[,{\[])?\s*$|\[\s*$", into="json"),
    Rule("json: a member", "continues", '"', after=("json",)),
    Rule("an end of brackets", "continues", r"[}\])]+[;,]?\s*$", ("}", "]", ")")),
    # --- databases
    Rule("sql: a statement", "opens", "", _SQL, into="sql"),
    Rule(
        "sql: a clause",
        "continues",
        r"(?i:from|where|set|values|(?:left |right |inner |cross )?join|on|and|or|group by|order by"
        r"|having|limit|offset|returning|union|select|\))\b",
        after=("sql",),
    ),
    Rule("elixir: a query", "opens", r".*\bQUERY (?:OK|ERROR)\b", into="query"),
    Rule("elixir: its statement", "continues", "|".join(_SQL), after=("query",)),
    Rule("clickhouse: a frame", "continues", r"\d+\. .* @ 0x", tuple(f"{n}. " for n in range(10))),
    Rule("cockroach: a box", "begins", r"\*$", ("*",), into="box"),
    Rule("cockroach: in it", "continues", r"\* ", after=("box", "boxed"), into="boxed"),
    Rule("cockroach: its end", "continues", r"\*$", after=("boxed",), into="done"),
    Rule("mariadb: its version", "continues", "", ("Version: '",)),
    # --- others
    Rule("gin: a panic", "opens", r".*\[Recovery\].* panic recovered:$", into="gin"),
    Rule("gin: what it was", "continues", "", after=("gin",), loose=True),
    Rule("django: a check", "begins", "System check identified some", into="check"),
    Rule(
        "django: what it found",
        "continues",
        r"[A-Z]+:$|\S+: \([\w.]+\) |System check identified \d",
        after=("check",),
    ),
    Rule("an announcement", "begins", r"=+> |-+> |Step \d+/\d+ :|(?:START|END|REPORT) RequestId: "),
)
