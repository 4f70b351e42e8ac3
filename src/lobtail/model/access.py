"""Find the request in a line of an access log: nginx's, Apache's, Traefik's, HAProxy's, gin's."""

from __future__ import annotations

import re
from typing import Any, Final

__all__ = ["access_fields"]

_METHOD: Final = rb"([A-Z]{3,12}+)"
# "GET / HTTP/1.1" 200; the request may be what no server understands, and have escaped quotes.
_ANSWERED: Final = re.compile(
    rb'"(?:' + _METHOD + rb' ([^" \\]*+(?:\\.[^" \\]*+)*+)(?: [^"]*+)?+|(?:[^"\\]++|\\.)*+)"'
    rb" (?:response:)?([1-5]\d\d)(?![\w.:/-])"
)
# Traefik: … 12ms; a log of nginx's that ends in its $request_time has no unit that tells it.
_DURATION: Final = re.compile(rb" (\d{1,9}(?:\.\d{1,9})?(?:ms|\xc2\xb5s|us|s))$")
# HAProxy: frontend backend/server 0/0/1/12/13 200 615 - - ---- … "GET / HTTP/1.1"
_HAPROXY: Final = re.compile(
    rb" \S{1,200}+ [^\s/]{1,200}+/\S{1,200}+ (?:[+-]?\d{1,9}+/){4}\+?(\d{1,9}+) ([1-5]\d\d) "
)
_REQUEST: Final = re.compile(rb'"' + _METHOD + rb' ([^" ]{1,4000}+)')
# [GIN] 2024/05/01 - 12:00:00 | 200 | 12.345µs | 10.0.0.9 | GET "/"
_GIN: Final = re.compile(
    rb"\[GIN\] [^|]{1,40}+\|[^|\d]{0,20}+([1-5]\d\d)[^|\d]{0,20}+\|"
    rb" *+([\d.]{1,12}+(?:ns|\xc2\xb5s|ms|s))"
    rb" *+\|[^|]{1,60}+\|[^A-Z]{0,20}+" + _METHOD + rb'[^"]{0,20}+"([^"]{0,4000}+)"'
)
# uWSGI: … GET / => generated 2 bytes in 3 msecs (HTTP/1.1 200) …
_UWSGI: Final = re.compile(
    rb"\] " + _METHOD + rb" (\S{1,4000}+) => generated [^(]{1,60}+\(HTTP/\S{1,8}+ ([1-5]\d\d)\)"
)
_WINDOW: Final = 8192
_QUOTE: Final = ord('"')


def access_fields(raw: bytes) -> dict[str, Any]:
    """Return ``method``, ``path``, ``status`` and ``duration`` of a request, if they are there.

    The status is a number, a duration a text such as ``12ms``. Empty for lines of other logs.
    """
    if _QUOTE not in raw:
        match = _UWSGI.search(raw) if b" => generated " in raw[:_WINDOW] else None
        return {} if match is None else _fields(match[1], match[2], match[3], None)
    raw = raw[:_WINDOW]
    if raw.startswith(b"[GIN] ") and (match := _GIN.match(raw)):
        status, duration, method, path = match.groups()
        return _fields(method, path, status, duration.replace("\u00b5".encode(), b"u"))
    if match := _ANSWERED.search(raw):
        method, path, status = match.groups()
        took = _DURATION.search(raw, match.end())
        return _fields(method, path, status, took and took[1])
    if (match := _HAPROXY.search(raw)) and (request := _REQUEST.search(raw, match.end())):
        return _fields(request[1], request[2], match[2], match[1] + b"ms")
    return {}


def _fields(
    method: bytes | None, path: bytes | None, status: bytes, duration: bytes | None
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if method is not None and path is not None:
        found["method"] = method.decode()
        found["path"] = path.decode("utf-8", "replace")
    found["status"] = int(status)
    if duration is not None:
        found["duration"] = duration.decode()
    return found
