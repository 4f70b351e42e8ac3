"""The types of arguments, for those who annotate their own.

The imports below are the list of the public names; they are carried out when a name is first used.
"""

TYPE_CHECKING = False

if TYPE_CHECKING:
    from lobtail.api import HistoryOptions as HistoryOptions
    from lobtail.api import Missing as Missing
    from lobtail.api import TailOptions as TailOptions
    from lobtail.demultiplex import AsyncByteSource as AsyncByteSource
    from lobtail.demultiplex import ByteSink as ByteSink
    from lobtail.demultiplex import ByteSource as ByteSource
    from lobtail.follow.options import Source as Source
    from lobtail.model.timestamps import Zone as Zone
    from lobtail.session.inbox import Overflow as Overflow
else:

    def __getattr__(name: str) -> object:
        from lobtail._lazy import find

        return find(__name__, name)

    def __dir__() -> list[str]:
        from lobtail._lazy import public_names

        return public_names(__name__)
