"""What Hypothesis makes log files of."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from lobtail.model.frames import Stream
from support.log_files import START, Message, go_text

STREAMS = st.sampled_from([Stream.STDOUT, Stream.STDERR])

ALPHABET = 'abn0 \\"/{}:,<&\t\r\x00\x1b\x7fä\u2028\ufffd\U0001f40b'

# Texts that have something to do with the formats, and any others.
TEXTS = st.one_of(
    st.sampled_from(
        [
            *(
                b"",
                b"x",
                b"\\",
                b"\\n",
                b'"',
                b"\r",
                b"\x00",
                b"\xff",
                b"a\\",
                b"\\\\n",
                b"{",
                b"\n",
            ),
            b'{"log":"x\\n","stream":"stdout","time":"2023-11-14T22:13:20.1Z"}',
            b'","stream":"stdout","time":"2023-11-14T22:13:20.1Z"}',
            b"\x00\x00\x00\x1a\x0a\x06stdout\x10",
            "\u2028\u2029\ufffd<>&".encode(),
            b"2023-11-14T22:13:20.1Z",
        ]
    ),
    st.text(ALPHABET, max_size=20).map(str.encode),
    st.binary(max_size=20),
).map(lambda text: text.replace(b"\n", b""))

ATTRS = st.sampled_from([{}, {}, {}, {"tag": "web"}, {"log": 'a "b"', "time": "x,y"}])


@st.composite
def messages(draw: st.DrawFn, driver: str) -> Message:
    """Return a message as its driver keeps it."""
    message = Message(
        draw(TEXTS),
        draw(STREAMS),
        START + draw(st.integers(0, 5 * 10**9)),
        draw(st.sampled_from([True, True, True, False])),
        attrs=draw(ATTRS) if driver in ("json-file", "local") else {},
    )
    return as_stored(message, driver)


def as_stored(message: Message, driver: str) -> Message:
    """Return what is left of a message once it is written: JSON keeps no invalid UTF-8."""
    if driver == "json-file":
        return replace(message, text=go_text(message.text).encode())
    return message
