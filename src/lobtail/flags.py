"""What the command line calls the arguments of the library, which the library's errors speak of.

Messages have arguments in backquotes: ``invalid value for `since`: …``. Programs see them as they
are; whoever started lobtail from a shell sees ``invalid value for --since: …``.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["with_flags"]

_FLAGS: Final = {
    "ca": "--tlscacert",
    "cert": "--tlscert",
    "host": "--host",
    "key": "--tlskey",
    "since": "--since",
    "source": "--source",
    "tls": "--tls",
    "tls=True": "--tlsverify",
    "until": "--until",
}
_ARGUMENT: Final = f"`({'|'.join(map(re.escape, _FLAGS))})`"


def with_flags(text: str) -> str:
    """Return a message with flags for arguments."""
    return re.sub(_ARGUMENT, lambda match: _FLAGS[match[1]], text) if "`" in text else text
