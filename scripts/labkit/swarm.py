"""Join engines to a swarm, on the loopback of this machine."""

import json
import socket
from typing import Any
from urllib.parse import quote

from labkit import LabError
from labkit.api import Api, ApiError
from labkit.packages import say

__all__ = ["make"]


def make(hosts: list[str]) -> None:
    """Make the first engine the manager of a new swarm and the others its workers.

    Without a bridge there are no networks of the swarm's own: services need `--network host`. All
    nodes have one hostname, this machine's, so each is named after its place: n1, n2, …
    """
    manager, *workers = map(Api, hosts)
    address = _address()
    own = _ask(manager, "POST", "/swarm/init", _places(address))
    tokens = manager.json("GET", "/swarm")["JoinTokens"]
    nodes = [str(own)]
    for worker in workers:
        body = {**_places(_address()), "RemoteAddrs": [address], "JoinToken": tokens["Worker"]}
        _ask(worker, "POST", "/swarm/join", body)
        nodes.append(worker.json("GET", "/info")["Swarm"]["NodeID"])
    for number, node in enumerate(nodes, 1):
        _name(manager, node, f"n{number}")
    say(f"{hosts[0]} manages a swarm of {len(hosts)}")


def _places(address: str) -> dict[str, str]:
    # Named in full, for otherwise each engine would listen on port 2377, and of all interfaces.
    # The port of the nodes' gossip cannot be chosen; the second engine does without.
    return {"ListenAddr": address, "AdvertiseAddr": address}


def _address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


def _ask(engine: Api, method: str, path: str, body: Any) -> Any:
    try:
        return json.loads(engine.call(method, path, body) or b"null")
    except ApiError as error:
        raise LabError(f"{engine.host}: {error}") from error


def _name(manager: Api, node: str, name: str) -> None:
    """Name a node; another change of it that comes in between makes this one be refused."""
    while True:
        now = manager.json("GET", f"/nodes/{node}")
        path = f"/nodes/{quote(node)}/update"
        try:
            manager.call(
                "POST", path, {**now["Spec"], "Name": name}, version=now["Version"]["Index"]
            )
        except ApiError as error:
            if "out of sequence" not in str(error):
                raise
        else:
            return
