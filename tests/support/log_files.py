"""Log files as the engines' drivers write them, and what the API makes of the same messages."""

from __future__ import annotations

import gzip
import json
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote_plus

from lobtail.model.frames import Stream
from lobtail.model.records import Record
from lobtail.model.timestamps import format_rfc3339

START = 1_700_000_000 * 10**9
NAMES = {Stream.STDOUT: "stdout", Stream.STDERR: "stderr"}


@dataclass(frozen=True)
class Message:
    """What a program wrote, as a driver gets it: a line, or a piece of one."""

    text: bytes
    stream: Stream = Stream.STDOUT
    time_ns: int = START
    ended: bool = True
    """Whether a newline followed."""
    last: bool = False
    """Whether it ends a line that came in pieces."""
    attrs: Mapping[str, str] = field(default_factory=dict)

    def payload(self, *, details: bool = False) -> bytes:
        """Return what the API sends with timestamps."""
        parts = [format_rfc3339(self.time_ns).encode(), self.shown(details=details)]
        return b" ".join(parts)

    def shown(self, *, details: bool = False) -> bytes:
        """Return what the API sends without timestamps."""
        text = self.text + b"\n" * self.ended
        if not details:
            return text
        pairs = (f"{quote_plus(k)}={quote_plus(v)}" for k, v in sorted(self.attrs.items()))
        return ",".join(pairs).encode() + b" " + text

    def record(self, *, details: bool = False) -> Record:
        """Return it as files give it."""
        shown = self.shown(details=True).partition(b" ")[0] if details else b""
        return Record(self.stream, self.time_ns, self.text, not self.ended, shown)


_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r"}


def go_json(text: bytes) -> bytes:
    """Return a text as moby's json-file driver quotes it (jsonlogbytes.go)."""
    out = []
    for character in go_text(text):
        code = ord(character)
        if character in _SHORT:
            out.append(_SHORT[character])
        elif code < 0x20 or character in "<>&":
            out.append(f"\\u00{code:02x}")
        elif character in "\u2028\u2029":
            out.append(f"\\u{code:04x}")
        elif character == "\ufffd":
            out.append("\\ufffd")
        else:
            out.append(character)
    return '"{}"'.format("".join(out)).encode()


def go_text(text: bytes) -> str:
    """Return bytes as Go ranges over them: each byte that is not UTF-8 is a U+FFFD."""
    out = []
    while text:
        try:
            out.append(text.decode())
            break
        except UnicodeDecodeError as exc:
            out.append(text[: exc.start].decode() + "\ufffd")
            text = text[exc.start + 1 :]
    return "".join(out)


def json_record(message: Message) -> bytes:
    """Return a message as the json-file driver writes it."""
    text = message.text + b"\n" * message.ended
    keys = []
    if text:
        keys.append(b'"log":' + go_json(text))
    keys.append(b'"stream":"%b"' % NAMES[message.stream].encode())
    if message.attrs:
        attrs = json.dumps(dict(sorted(message.attrs.items())), separators=(",", ":"))
        keys.append(b'"attrs":' + attrs.encode())
    seconds, _, fraction = format_rfc3339(message.time_ns)[:-1].partition(".")
    fraction = fraction.rstrip("0")
    keys.append(b'"time":"%bZ"' % (seconds + ("." + fraction if fraction else "")).encode())
    return b"{" + b",".join(keys) + b"}\n"


def local_record(message: Message) -> bytes:
    """Return a message as the local driver writes it."""

    def chunk(number: int, value: bytes) -> bytes:
        return varint(number << 3 | 2) + varint(len(value)) + value

    entry = chunk(1, NAMES[message.stream].encode())
    entry += varint(2 << 3) + varint(message.time_ns)
    if message.text:
        entry += chunk(3, message.text)
    if not message.ended or message.last:
        meta = (b"\x08\x01" if message.last else b"") + chunk(2, b"0123abcd" * 8) + b"\x18\x01"
        entry += b"\x20\x01" + chunk(5, meta)
    for key, value in sorted(message.attrs.items()):
        entry += chunk(6, chunk(1, key.encode()) + chunk(2, value.encode()))
    size = struct.pack(">I", len(entry))
    return size + entry + size


def varint(number: int) -> bytes:
    """Return a number as protobuf writes it."""
    out = bytearray()
    number &= (1 << 64) - 1
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def k8s_record(message: Message) -> bytes:
    """Return a message as Podman's k8s-file driver writes it."""
    stamp = format_rfc3339(message.time_ns)[:-1] + "+00:00"
    flag = "F" if message.ended else "P"
    head = f"{stamp} {NAMES[message.stream]} {flag} ".encode()
    return head + message.text + b"\n"


def stream_record(message: Message) -> bytes:
    """Return a message as a frame of the engine's stream."""
    text = message.shown()
    return struct.pack(">BxxxI", message.stream, len(text)) + text


WRITERS = {
    "json-file": json_record,
    "local": local_record,
    "k8s-file": k8s_record,
    "stream": stream_record,
}


def compressed(data: bytes, last_time: str | None = None) -> bytes:
    """Return a file as moby compresses it; its header may tell the last message's time."""
    if last_time is None:
        return gzip.compress(data, 1)
    extra = json.dumps({"lastTime": last_time}).encode()
    engine = zlib.compressobj(1, zlib.DEFLATED, -15)
    body = engine.compress(data) + engine.flush()
    head = b"\x1f\x8b\x08\x04" + bytes(4) + b"\x04\xff" + struct.pack("<H", len(extra)) + extra
    return head + body + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def write_rotated(
    path: Path, driver: str, parts: Iterable[list[Message]], *, compress: bool = False
) -> None:
    """Write messages as a rotated log, the oldest part first."""
    batches = list(parts)
    for number, batch in zip(range(len(batches) - 1, -1, -1), batches, strict=True):
        data = b"".join(map(WRITERS[driver], batch))
        name = path.name
        if number:
            name += f".{number}"
            if compress:
                name += ".gz"
                last = format_rfc3339(batch[-1].time_ns) if batch else "0001-01-01T00:00:00Z"
                data = compressed(data, last)
        path.with_name(name).write_bytes(data)
