r"""Detach keys: the keys that end a session and leave the container running.

They are written as docker writes them, ``ctrl-p,ctrl-q``: a comma between keys, each a character,
``ctrl-`` and one of ``@a-z[\\]^_``, or ``DEL`` (moby/term, ``ascii.go``).
"""

from __future__ import annotations

from typing import Final

from lobtail.errors import ConfigError

__all__ = ["DEFAULT_KEYS", "DetachScanner", "parse_detach_keys"]

DEFAULT_KEYS: Final = b"\x10\x11"
"""ctrl-p, ctrl-q."""

_CONTROL: Final = {
    f"ctrl-{key}": code for code, key in enumerate("@abcdefghijklmnopqrstuvwxyz[\\]^_")
}


def parse_detach_keys(text: str, origin: str = "the detach keys") -> bytes:
    """Return the bytes of a key sequence; nothing given means the default.

    Raises:
        ConfigError: a key that there is not; ``origin`` says where the text came from.
    """
    if not text:
        return DEFAULT_KEYS
    codes = bytearray()
    for key in text.split(","):
        if key in _CONTROL:
            codes.append(_CONTROL[key])
        elif key == "DEL":
            codes.append(127)
        elif len(raw := key.encode("utf-8", "surrogateescape")) == 1:
            codes += raw
        else:
            raise ConfigError(
                f"{origin} {text!r} cannot be used: {key!r} is no key; write keys such as 'a', "
                "'ctrl-p' and 'DEL' with commas between them"
            )
    return bytes(codes)


class DetachScanner:
    """Looks for the key sequence in what is typed.

    Keys that may be its beginning are held back until the next ones tell. As with docker, a key
    that breaks the sequence off does not begin it anew: ctrl-p ctrl-p ctrl-q passes.
    """

    def __init__(self, keys: bytes = DEFAULT_KEYS) -> None:
        self._keys = keys
        self._matched = 0

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """Return what is to be sent of ``data`` and earlier keys, and whether to detach."""
        keys, matched = self._keys, self._matched
        if not matched and keys[0] not in data:
            return data, False
        out = bytearray()
        for byte in data:
            if byte == keys[matched]:
                matched += 1
                if matched == len(keys):
                    self._matched = 0
                    return bytes(out), True
                continue
            out += keys[:matched]
            out.append(byte)
            matched = 0
        self._matched = matched
        return bytes(out), False

    def flush(self) -> bytes:
        """Return what is held back, at the end of the input."""
        held = self._keys[: self._matched]
        self._matched = 0
        return held
