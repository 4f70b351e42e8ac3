"""Tail the logs of Docker and Podman containers as they were written.

Here is what one tails with; ``lobtail.docker`` has what an engine says of its objects,
``lobtail.errors`` all errors, ``lobtail.sync`` the same without asyncio.

The imports below are the list of the public names. They are carried out when a name is first used
(PEP 562), so that ``import lobtail`` is cheap and a program that only needs ``stdcopy`` never loads
an HTTP parser; docs/decisions/077-public-names.md says why so.
"""

from lobtail._version import __version__ as __version__

# Importing it from typing takes longer than all the rest; checkers take the name for true.
TYPE_CHECKING = False


if TYPE_CHECKING:
    from lobtail.api import Engine as Engine
    from lobtail.api import tail_engines as tail_engines
    from lobtail.api import tail_files as tail_files
    from lobtail.demultiplex import ademux as ademux
    from lobtail.demultiplex import demux as demux
    from lobtail.demultiplex import stdcopy as stdcopy
    from lobtail.errors import ConfigError as ConfigError
    from lobtail.errors import ConnectError as ConnectError
    from lobtail.errors import EngineError as EngineError
    from lobtail.errors import LobtailError as LobtailError
    from lobtail.errors import LogsEndedError as LogsEndedError
    from lobtail.errors import NotFoundError as NotFoundError
    from lobtail.errors import TruncatedStream as TruncatedStream
    from lobtail.model.entries import Entry as Entry
    from lobtail.model.frames import Frame as Frame
    from lobtail.model.frames import FrameDecoder as FrameDecoder
    from lobtail.model.frames import Stream as Stream
    from lobtail.model.items import ContainerRef as ContainerRef
    from lobtail.model.items import Dropped as Dropped
    from lobtail.model.items import EngineBack as EngineBack
    from lobtail.model.items import EngineLost as EngineLost
    from lobtail.model.items import Gap as Gap
    from lobtail.model.items import Item as Item
    from lobtail.model.items import Line as Line
    from lobtail.model.items import Mark as Mark
    from lobtail.model.items import Removed as Removed
    from lobtail.model.items import Resumed as Resumed
    from lobtail.model.items import Skipped as Skipped
    from lobtail.model.items import Started as Started
    from lobtail.model.items import Stopped as Stopped
    from lobtail.model.levels import Level as Level
    from lobtail.query.query import Query as Query
    from lobtail.session.tail import Tail as Tail
else:

    def __getattr__(name: str) -> object:
        from lobtail._lazy import find

        return find(__name__, name)

    def __dir__() -> list[str]:
        from lobtail._lazy import public_names

        return public_names(__name__)
