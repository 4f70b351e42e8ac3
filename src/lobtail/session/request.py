"""What is asked of a stream."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from lobtail.follow.options import FollowOptions
from lobtail.query.patterns import Pattern
from lobtail.query.plan import Plan
from lobtail.query.selection import ContainerSelection
from lobtail.session.inbox import Overflow
from lobtail.session.merge import WINDOW_NS

__all__ = ["TailRequest"]


class TailRequest(msgspec.Struct, frozen=True):
    """What is asked of each engine, and of what they give together."""

    selection: ContainerSelection = ContainerSelection()
    everything: bool = False
    """Whether stopped containers are chosen as if they ran."""
    options: FollowOptions = FollowOptions()
    until_stopped: bool = False
    is_strict: bool = False
    """Whether it is an error that something which was asked for is not there."""
    plan: Plan | None = None
    """What is demanded of lines; None if nothing is."""
    group: bool = True
    """Whether lines that belong together are taken as one."""
    continuations: tuple[Pattern, ...] = ()
    """What is found in lines that continue others, beyond the rules of ``entries``."""
    window_ns: int = WINDOW_NS
    overflow: Overflow = "wait"
    position: bytes | None = None

    def also(self, other: TailRequest) -> TailRequest:
        """Return what chooses all that this or the other chooses, and is like this otherwise."""
        others = (*self.selection.others, other.selection)
        selection = replace(self.selection, others=others)
        return replace(self, selection=selection, everything=self.everything or other.everything)
