"""Keep up with the runs of a container: what events tell, and what looks at it show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lobtail.errors import EngineError, ProtocolError
from lobtail.follow.again import retrying
from lobtail.follow.intake import hear, news_since
from lobtail.follow.runs import Inspection
from lobtail.follow.steps import Inspect, Pause, Steps, Wait
from lobtail.model.timestamps import parse_go_time
from lobtail.retry import GIVE_UP

if TYPE_CHECKING:
    from lobtail.engine.objects.container import Container
    from lobtail.follow.intake import Clock, Intake

__all__ = ["RunWatch", "look_at", "run_of"]

# The logger is closed before the container's state changes; `die` comes some 30 ms later.
SETTLE: Final = 0.1
STATES: Final = 50
"""How often the state is looked at after `die`, a fifth of SETTLE apart."""
# After how many looks, SETTLE apart, a stream that goes on behind the end of its run is stuck.
STUCK: Final = 10
# Podman starts a container again after a tenth of a second, and does not show that it will.
PODMANS_RESTART: Final = 2.0


class RunWatch:
    """The container as the last look at it showed it, and the marks that are due."""

    def __init__(self, container: Container, intake: Intake, clock: Clock, *, podman: bool) -> None:
        self.container = container
        self.looked_ns = 0
        """When it was looked at last, by the engine's clock."""
        self.is_cut = False
        """Whether what comes next is what was missed during a cut."""
        self._intake = intake
        self._runs = intake.runs
        self._clock = clock
        self._podman = podman
        self._checking = False
        self._checked = float("-inf")  # when a new run was last looked for

    @property
    def in_run(self) -> bool:
        """Whether the program runs."""
        return self.container.state.in_run

    def inspect(self) -> Steps[Container]:
        """Look at the container, however long the engine is away."""

        def look() -> Steps[Container]:
            self.looked_ns = self._clock.engine_ns
            found: Container = yield Inspect()
            return found

        try:
            return (yield from retrying(look, broken=GIVE_UP))
        except ProtocolError as exc:
            broken = exc
        yield from self._intake.gap(f"still trying: {broken}")
        return (yield from retrying(look))

    def tell(self, *, begun: bool = False) -> Steps[None]:
        """Tell what the last look shows of the runs; if ``begun``, not the end of the last."""
        look = look_at(self.container)
        if begun and not look.running:
            look = Inspection(True, look.started_ns)
        if not self._podman:  # which shows it, and has no event of it
            yield from hear(self._clock, lambda: not self._runs.owes_reason(look))
        yield from self._intake.finish(*self._runs.advance(self._intake.ref, look))

    def hear_of(self, container: Container) -> Steps[None]:
        """Wait for the event of the run that a look shows: events of others come before it."""
        started = run_of(container) or 0
        yield from hear(self._clock, lambda: self._runs.heard_ns >= started)

    def hear_all(self) -> Steps[None]:
        """Wait for the events of what has happened during a cut.

        They come by a connection of their own, which may have been cut for longer.
        """
        try:
            now = yield from self.inspect()
        except EngineError:
            return  # it is gone; what is left of its log is read first, then that is told
        if run_of(now) != run_of(self.container):
            yield from self.hear_of(now)
        if self.in_run and not now.state.in_run:
            ended = parse_go_time(now.state.finished_at) or 0
            yield from hear(self._clock, lambda: self._runs.heard_ns >= ended)

    def check(self, newest_ns: int | None = None) -> Steps[None]:
        """Tell of a new run whose log the stream that is read goes on with.

        ``newest_ns`` is the last stamp of what is about to be handed on; None if it is nothing.
        """
        ended = self._runs.pending_ns
        if ended is None:
            return
        behind = self.is_cut or self._intake.is_busy
        if behind if newest_ns is None else newest_ns <= ended:
            return  # what comes first belongs to the run that has ended
        while self._checking:
            yield Wait(SETTLE)
        if self._clock.seconds < self._checked + SETTLE:
            return
        self._checking, self._checked = True, self._clock.seconds
        try:
            now = yield from self.inspect()
            if now.state.in_run and run_of(self.container) != run_of(now):
                yield from self.hear_of(now)
                self.container = now
                yield from self.tell()
        except EngineError:
            pass  # it is gone; what is left of its log is read first, then that is told
        finally:
            self._checking = False

    def watch(self) -> Steps[None]:
        """Look for a new run when an event comes behind the first lines of it, for ever."""
        while True:
            yield Wait()
            for i in range(STATES):
                if not self._runs.pending:
                    break
                yield Pause(SETTLE)
                # A stream that ends with the run gets the time to do so.
                if i > STUCK or not self._intake.exact:
                    yield from self.check()

    def settle(self) -> Steps[None]:
        """Look at the container once its state shows what ended the stream."""
        runs = self._runs
        yield from hear(self._clock, lambda: runs.pending, SETTLE)
        before, self.container = self.container, (yield from self.inspect())
        if runs.pending:
            # The event comes before the state that inspect shows.
            for _ in range(STATES):
                if not self.in_run or run_of(self.container) != run_of(before):
                    break
                yield Pause(SETTLE / 5)
                self.container = yield from self.inspect()

    def stays_ended(self, seen: int) -> Steps[bool]:
        """Tell whether the engine does not start the container again, as far as it shows that.

        ``seen`` is ``Clock.news`` as it was before the last look.
        """
        if self._podman and self.container.host_config.restart_policy.name not in ("", "no"):
            return not (yield from news_since(self._clock, seen, PODMANS_RESTART))
        return self._clock.news == seen


def run_of(container: Container) -> int | None:
    """Return what tells one run of a container from the next: when it started."""
    return parse_go_time(container.state.started_at)


def look_at(container: Container) -> Inspection:
    """Return what an inspection shows of the runs."""
    state = container.state
    return Inspection(
        state.in_run,
        run_of(container),
        parse_go_time(state.finished_at),
        state.exit_code,
        state.oom_killed,
    )
