"""An engine with several scripted containers, as `lobtail tail` sees it.

Each container has a history, which a request without ``follow`` gets; one with it gets the same and
then what ``live`` says, by default silence. The stream of events is silent, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from faults.fake_engine import (
    MULTIPLEXED,
    RAW,
    FakeEngine,
    Script,
    Step,
    chunk,
    frame,
    json_answer,
    log,
    log_head,
    stall,
)

START = datetime(2024, 5, 1, 12, tzinfo=UTC)


def stamp(second: float) -> str:
    """Return the moment so long after noon of 2024-05-01, as engines write it."""
    moment = START + timedelta(seconds=second)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}000Z"


def line(text: bytes | str, second: float = 0, stream: int = 1) -> bytes:
    """Make a frame of one message, stamped; the newline is added."""
    data = text if isinstance(text, bytes) else text.encode()
    return frame(stream, stamp(second).encode() + b" " + data + b"\n")


@dataclass
class Box:
    """A container of the fake."""

    name: str
    history: Iterable[bytes] = ()
    """Frames, or with ``tty`` the text."""
    live: Script = (stall,)
    image: str = "web:1"
    labels: Mapping[str, str] = field(default_factory=dict)
    running: bool = True
    tty: bool = False
    driver: str = "json-file"
    number: int = 0
    state: Mapping[str, object] = field(default_factory=dict)
    """What inspect shows of its state beside what follows from ``running``."""

    @property
    def id(self) -> str:
        """64 digits, which begin with the container's number."""
        return f"{self.number:04x}" + "f" * 60

    def summary(self) -> object:
        """Make its item in the list of containers."""
        return {
            "Id": self.id,
            "Names": [f"/{self.name}"],
            "Image": self.image,
            "State": "running" if self.running else "exited",
            "Labels": self.labels,
        }

    def inspect(self) -> object:
        """Make the answer to inspect."""
        return {
            "Id": self.id,
            "Name": f"/{self.name}",
            "Config": {"Tty": self.tty, "Image": self.image, "Labels": self.labels},
            "HostConfig": {"LogConfig": {"Type": self.driver}},
            "State": {
                "Running": self.running,
                "Status": "running" if self.running else "exited",
                "StartedAt": stamp(-60),
                **self.state,
            },
        }

    def log(self, *, follow: bool) -> Script:
        """Make the answer to logs."""
        label = RAW if self.tty else MULTIPLEXED
        return log(self.history, *(self.live if follow else ()), content_type=label)


class FakeHost(FakeEngine):
    """An engine with the given containers; ``events`` follows the head of that stream."""

    def __init__(
        self,
        *boxes: Box,
        events: Script = (stall,),
        answers: Mapping[str, Script] | None = None,
        tcp: bool = False,
    ) -> None:
        super().__init__(answers=answers, tcp=tcp)
        self._events = events
        self.boxes = list(boxes)
        for number, box in enumerate(self.boxes, 1):
            box.number = box.number or number

    def _script(self, target: str) -> Script:
        path, _, query = target.partition("?")
        if any(path.endswith(end) for end in self.answers):
            return super()._script(target)
        if path.endswith("/info"):
            return json_answer({"Name": "fake"})
        if path.endswith("/events"):
            return [log_head("application/json"), *self._events]
        if path.endswith("/containers/json"):
            every = "all=1" in query
            return json_answer([box.summary() for box in self.boxes if every or box.running])
        for box in self.boxes:
            if path.endswith(f"/{box.id}/json"):
                return json_answer(box.inspect())
            if path.endswith(f"/{box.id}/logs"):
                return box.log(follow="follow=1" in query)
        return super()._script(target)


def event(box: Box, action: str, *, second: float | None = None, **attributes: str) -> Step:
    """Make an event of a container, for the stream of events; ``second`` is as for ``stamp``."""
    actor = {"ID": box.id, "Attributes": {"name": box.name, **box.labels, **attributes}}
    value: dict[str, object] = {"Action": action, "Actor": actor}
    if second is not None:
        value["timeNano"] = round(START.timestamp() + second) * 10**9
    return chunk(json.dumps(value).encode() + b"\n")
