"""The engine as programs see it: the client, and above it the session that tails."""

from __future__ import annotations

import time
from datetime import datetime

from lobtail.core.filter import LineFilter
from lobtail.core.frames import Stream
from lobtail.core.merge import WINDOW_NS
from lobtail.core.query import Query
from lobtail.core.selection import Selection, Selector
from lobtail.engine.client import EngineClient
from lobtail.engine.logs import nanoseconds
from lobtail.errors import ConfigError
from lobtail.reading.intake import FollowOptions
from lobtail.tail import Overflow, Tail

__all__ = ["Engine"]


class Engine(EngineClient):
    """An engine, Docker's or Podman's.

    ::

        async with Engine() as engine:
            async with engine.tail("web-*") as tail:
                async for item in tail.lines():
                    print(item)

    ``host`` is an endpoint such as ``unix:///var/run/docker.sock`` or ``tcp://127.0.0.1:2375``;
    without it ``DOCKER_HOST`` and then the default socket hold. ``timeout`` is the longest silence,
    in seconds, that is borne where the engine owes an answer. ``api_version`` (or
    ``DOCKER_API_VERSION``) fixes the version instead of negotiating it. The requests and their
    errors are described in ``EngineClient``, from which this has them.
    """

    def tail(
        self,
        *selectors: str,
        follow: bool = True,
        tail: int | str | None = None,
        since: int | str | datetime | None = None,
        until: int | str | datetime | None = None,
        streams: tuple[Stream, ...] = (Stream.STDOUT, Stream.STDERR),
        labels: tuple[str, ...] = (),
        projects: tuple[str, ...] = (),
        services: tuple[str, ...] = (),
        images: tuple[str, ...] = (),
        exclude: tuple[str, ...] = (),
        all: bool = False,
        details: bool = False,
        where: str | Query | None = None,
        merge_window: float = WINDOW_NS / 1e9,
        overflow: Overflow = "wait",
    ) -> Tail:
        """Tail the containers that match: one stream of lines and marks, merged by time.

        ``selectors`` are names, the beginnings of IDs, globs (``web-*``) or ``/regexes/``; the
        other criteria must hold as well. Nothing given: every container that runs. What does not
        run is chosen by its name or ID, or with ``all`` as if it ran. ``tail`` counts lines from
        the end of each container's log: 10 when following without ``since``, else all.

        ``where`` is a query (``level>=warn and not /health/``, see ``Query``); marks always pass.
        ``merge_window`` is how long, in seconds, a live line may wait for older ones of other
        containers; 0 gives the order of arrival. A slow reader slows the engine's sending down,
        unless ``overflow`` is ``"drop"``: then lines are left out where 2000 of their container
        wait, and a ``Dropped`` mark says how many.

        With ``follow`` containers that start later join, restarts and re-creations are followed,
        and the iteration never ends; without it ends with the history.

        Raises:
            ConfigError: a selector, a time or a number cannot be used.
            QueryError: the query cannot be read.
        """
        if overflow not in ("wait", "drop"):
            raise ConfigError(f"overflow is 'wait' or 'drop', not {overflow!r}")
        if merge_window < 0:
            raise ConfigError(f"the merge window is negative: {merge_window}")
        selection = Selection(
            names=tuple(map(Selector, selectors)),
            labels=labels,
            projects=projects,
            services=services,
            images=images,
            excluded=tuple(map(Selector, exclude)),
        )
        options = FollowOptions(
            follow=follow,
            tail=str(tail) if tail is not None else ("10" if follow and not since else "all"),
            since=nanoseconds(since, "since"),
            until=nanoseconds(until, "until"),
            stdout=Stream.STDOUT in streams,
            stderr=Stream.STDERR in streams,
            details=details,
        )
        window_ns = round(merge_window * 1e9)
        if isinstance(where, str):
            where = Query(where, now_ns=time.time_ns(), local_offset=time.localtime().tm_gmtoff)
        return Tail(
            self,
            selection,
            options,
            everything=all,
            window_ns=window_ns,
            wanted=LineFilter(where.matches) if where else None,
            overflow=overflow,
        )
