"""Docker by ssh and by TLS and Podman by its socket, as one stream."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from support.engines import WAIT, finish
from support.remote import Far

COUNT = 300


def test_three_engines_reached_in_three_ways(far: Far, far_podman: Far) -> None:
    """Every line of each once and in order, and all of them in time order but for late ones."""
    script = f"{WAIT}; seq {COUNT}; sleep 1000"
    tls, podman = far, far_podman
    folder = tls.folder / "tls"
    files = [f"{name}={folder}/{name}.pem" for name in ("ca", "cert", "key")]
    tls.context("by-tls", f"host={tls.tls}", *files)
    tls.context("by-ssh", f"host={tls.ssh}")
    name = tls.engine.start(script)
    other = podman.engine.start(script)
    hosts = ("-c", "by-tls", "-c", "by-ssh", "-H", podman.engine.host)
    path = podman.engine.host.removeprefix("unix://")
    process = tls.popen("lobtail", *hosts, "tail", name, other, "-n", "all", "-o", "json")
    try:
        assert process.stdout is not None
        tls.engine.go(name)
        podman.engine.go(other)
        items: list[dict[str, Any]] = []
        last: set[str] = set()
        while last != {"by-tls", "by-ssh", path}:
            items.append(json.loads(process.stdout.readline()))
            if items[-1].get("line") == str(COUNT):
                last.add(items[-1]["host"])
    finally:
        process.terminate()
        errors = finish(process).stderr
    assert errors == b""
    by_host = defaultdict(list)
    for item in items:
        if "line" in item:
            by_host[item["host"]].append(item["line"])
    assert by_host == {host: list(map(str, range(1, COUNT + 1))) for host in last}
    # Podman's stamps are whole seconds; each log keeps its own order.
    docker = [item for item in items if item["host"] != path and not item.get("late")]
    stamps = [item["time"] for item in docker if item.get("line")]
    assert stamps == sorted(stamps)
    listed = tls.run("lobtail", *hosts, "ps", "--json")
    assert (listed.stderr, listed.code) == (b"", 0)
    rows = [json.loads(row) for row in listed.stdout.splitlines()]
    assert {(row["name"], row["host"]) for row in rows} >= {
        (name, "by-tls"),
        (name, "by-ssh"),
        (other, path),
    }
