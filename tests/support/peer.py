"""An engine whose streams never end."""

from __future__ import annotations

import threading

from faults.fake_engine import Connection, Ended, FakeEngine, Script, log, tell

EVENT = b'{"Type":"container","Action":"start","Actor":{"ID":"x"},"timeNano":5}\n'


class Peer:
    """An engine whose log never ends; ``gone`` is set when the client has closed it."""

    def __init__(self, *frames: bytes) -> None:
        self.gone = threading.Event()
        self.asked = threading.Event()
        steps: list[Script] = []
        for target in ("/logs", "/events", "/stats"):
            body = frames if target == "/logs" else (EVENT,)
            steps.append(log(body, tell(self.asked), self._until_gone))
        answers = dict(zip(("/logs", "/events", "/stats"), steps, strict=True))
        self.engine = FakeEngine(answers=answers)

    def _until_gone(self, connection: Connection) -> None:
        try:
            while connection.sock.recv(65536):
                pass
        finally:
            self.gone.set()
        raise Ended
