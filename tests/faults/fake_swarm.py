"""The manager of a swarm as `lobtail` sees it: services, tasks and nodes, all scripted.

A task's log is a history, and for who follows it what ``live`` says behind that. The containers of
tasks on other nodes are not this engine's; those on its own are to be given as boxes, too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qs

from faults.fake_engine import MULTIPLEXED, RAW, Script, Step, chunk, frame, json_answer, log, stall
from faults.fake_host import START, Box, FakeHost, stamp

OWN, OTHER = "n1" + "a" * 23, "n2" + "b" * 23


class Message(NamedTuple):
    """What a task wrote at once, its newline included."""

    text: bytes
    second: float = 0
    stream: int = 1


def say(text: str, second: float = 0, stream: int = 1) -> Message:
    """Make a message of a line."""
    return Message(text.encode() + b"\n", second, stream)


@dataclass
class FakeTask:
    """A task of the service ``service``."""

    service: str
    slot: int = 1
    node: str = OTHER
    history: Iterable[Message] = ()
    live: Script | Callable[[FakeTask], Script] = (stall,)
    end: Script | None = None
    """How the history ends, if not well."""
    state: str = "running"
    exit_code: int = 0
    tty: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    number: int = 0

    @property
    def id(self) -> str:
        """25 letters and digits."""
        return f"t{self.number:04}{'x' * 20}"

    @property
    def container(self) -> str:
        """The ID of its container."""
        return f"{self.number:04x}" + "e" * 60

    def spec(self) -> dict[str, object]:
        """Make what the task, or its service, is to run."""
        return {"ContainerSpec": {"Image": "web:1", "TTY": self.tty, "Labels": dict(self.labels)}}

    def answer(self) -> dict[str, object]:
        """Make the answer to inspect."""
        return {
            "ID": self.id,
            "ServiceID": service_id(self.service),
            "Slot": self.slot,
            "NodeID": self.node,
            "Spec": self.spec(),
            "DesiredState": "running",
            "CreatedAt": stamp(-60),
            "Status": {
                "State": self.state,
                "Timestamp": stamp(-50),
                "ContainerStatus": {"ContainerID": self.container, "ExitCode": self.exit_code},
            },
        }

    def frame(self, message: Message, *, timestamps: bool = True, details: bool = False) -> bytes:
        """Make what is sent of a message."""
        payload = message.text
        if details:
            ids = {"node": self.node, "service": service_id(self.service), "task": self.id}
            said = ",".join(f"com.docker.swarm.{key}.id={value}" for key, value in ids.items())
            payload = said.encode() + b" " + payload
        if timestamps:
            payload = stamp(message.second).encode() + b" " + payload
        return payload if self.tty else frame(message.stream, payload)

    def chunk(self, message: Message) -> Step:
        """Make what is sent of a message that comes live, for ``lobtail tail``."""
        return chunk(self.frame(message))


def service_id(name: str) -> str:
    """Return the ID of a service: 25 letters."""
    return f"{name}{'s' * 25}"[:25]


class FakeSwarm(FakeHost):
    """A manager; ``states`` are those of its nodes, by their IDs."""

    def __init__(
        self,
        *tasks: FakeTask,
        boxes: Iterable[Box] = (),
        states: Mapping[str, str] | None = None,
        answers: Mapping[str, Script] | None = None,
        log_end: Script | None = None,
    ) -> None:
        super().__init__(*boxes, answers=answers)
        self.tasks = list(tasks)
        self.states = {OWN: "ready", OTHER: "ready", **(states or {})}
        self._log_end = log_end
        for number, task in enumerate(self.tasks, 1):
            task.number = task.number or number

    def _script(self, target: str) -> Script:
        path, _, query = target.partition("?")
        path = path.split("/", 2)[2] if path.startswith("/v") else ""
        if any(target.partition("?")[0].endswith(end) for end in self.answers):
            return super()._script(target)
        asked = parse_qs(query)
        if path == "info":
            swarm = {"NodeID": OWN, "LocalNodeState": "active", "ControlAvailable": True}
            return json_answer({"Name": "fake", "Swarm": swarm})
        kind, *rest = path.split("/")
        answers = {"services": self._services, "tasks": self._tasks, "nodes": self._nodes}
        if kind in answers:
            return answers[kind](rest, asked)
        return super()._script(target)

    def _services(self, rest: list[str], asked: dict[str, list[str]]) -> Script:
        names = {task.service: task for task in self.tasks}
        found = {
            service_id(name): {
                "ID": service_id(name),
                "Spec": {
                    "Name": name,
                    "TaskTemplate": task.spec(),
                    "Mode": {"Replicated": {"Replicas": 2}},
                },
            }
            for name, task in names.items()
        }
        if not rest:
            return json_answer(list(found.values()))
        chosen = rest[0] if rest[0] in found else service_id(rest[0])
        if chosen not in found:
            return json_answer({"message": f"service {rest[0]} not found"}, 404, "Not Found")
        if rest[1:] == ["logs"]:
            tasks = [task for task in self.tasks if service_id(task.service) == chosen]
            return self._log(tasks, asked)
        return json_answer(found[chosen])

    def _tasks(self, rest: list[str], asked: dict[str, list[str]]) -> Script:
        if not rest:
            wanted = json.loads(asked.get("filters", ["{}"])[0]).get("service")
            tasks = [t for t in self.tasks if not wanted or service_id(t.service) in wanted]
            return json_answer([task.answer() for task in tasks])
        for task in self.tasks:
            if task.id == rest[0]:
                return self._log([task], asked) if rest[1:] else json_answer(task.answer())
        return json_answer({"message": f"task {rest[0]} not found"}, 404, "Not Found")

    def _nodes(self, rest: list[str], asked: dict[str, list[str]]) -> Script:
        found = {
            node: {
                "ID": node,
                "Description": {"Hostname": f"host-{node[:2]}"},
                "Status": {"State": state},
            }
            for node, state in self.states.items()
        }
        if not rest:
            return json_answer(list(found.values()))
        if rest[0] not in found:
            return json_answer({"message": f"node {rest[0]} not found"}, 404, "Not Found")
        return json_answer(found[rest[0]])

    def _log(self, tasks: list[FakeTask], asked: dict[str, list[str]]) -> Script:
        timestamps, details = "timestamps" in asked, "details" in asked
        since = float(asked.get("since", ["0"])[0])
        frames = [
            task.frame(message, timestamps=timestamps, details=details)
            for task in tasks
            for message in task.history
            if START.timestamp() + message.second >= since
        ]
        label = RAW if tasks[0].tty else MULTIPLEXED
        if "follow" not in asked:
            end = self._log_end or next((task.end for task in tasks if task.end), ())
            return log(frames, *end, content_type=label)
        live = tasks[0].live
        steps = live(tasks[0]) if callable(live) else live
        return log(frames, *steps, content_type=label)
