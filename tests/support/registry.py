"""A registry of images on loopback, for pulls: Docker lets those of 127.0.0.0/8 do without TLS."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

_LARGE = 3 << 20
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class Registry:
    """Serves ``{host}/image:1`` and ``:2``; a context manager.

    ``broken`` is a tag whose layer is not what its digest says; ``large`` and ``larger`` have 3 MB,
    of which a third comes while it is ``held``. ``password`` is asked for if set.
    """

    def __init__(self, *, password: str = "") -> None:
        self.password = password
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.host = ""
        self._open = threading.Event()
        self._open.set()

    def __enter__(self) -> Self:
        for tag in ("1", "2"):
            self._add(tag, f"tag {tag}\n".encode() * 20_000)
        self._add("broken", b"broken\n")
        for tag in ("large", "larger"):
            self._add(tag, tag.encode().ljust(_LARGE, b"."))
        layer = json.loads(self.manifests["broken"])["layers"][0]["digest"]
        self.blobs[layer] = self.blobs[layer][:-1] + b"?"
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.answer(self)

            do_HEAD = do_GET  # noqa: N815 - http.server's name

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.host = f"127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Send no more than a third of what is large meanwhile."""
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()

    def _add(self, tag: str, text: bytes) -> None:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            entry = tarfile.TarInfo("hello")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))
        layer = gzip.compress(out.getvalue(), 0, mtime=0)
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Cmd": ["/hello"], "Labels": {"tag": tag}},
                "rootfs": {"type": "layers", "diff_ids": [_digest(out.getvalue())]},
                "history": [{"created": "2026-01-01T00:00:00Z", "created_by": f"make {tag}"}],
            }
        ).encode()
        self.manifests[tag] = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": self._blob(config, "application/vnd.docker.container.image.v1+json"),
                "layers": [self._blob(layer, "application/vnd.docker.image.rootfs.diff.tar.gzip")],
            }
        ).encode()
        self.manifests[_digest(self.manifests[tag])] = self.manifests[tag]

    def _blob(self, data: bytes, kind: str) -> dict[str, object]:
        self.blobs[_digest(data)] = data
        return {"mediaType": kind, "size": len(data), "digest": _digest(data)}

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer a request: ``/v2/``, ``/v2/image/manifests/…``, ``/v2/image/blobs/…``."""
        *_, kind, name = ["", "", *handler.path.split("/")]
        status, content_type = 404, "application/json"
        body = b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}'
        basic = base64.b64encode(f"user:{self.password}".encode()).decode()
        if self.password and handler.headers.get("Authorization") != f"Basic {basic}":
            status = 401
            body = b'{"errors": [{"code": "UNAUTHORIZED", "message": "who are you?"}]}'
        elif handler.path == "/v2/":
            status, body = 200, b"{}"
        elif kind == "manifests" and name in self.manifests:
            status, body, content_type = 200, self.manifests[name], MANIFEST
        elif kind == "blobs" and name in self.blobs:
            status, body, content_type = 200, self.blobs[name], "application/octet-stream"
        elif kind == "tags":
            status, body = 200, json.dumps({"name": "image", "tags": ["1", "2"]}).encode()
        handler.send_response(status)
        handler.send_header("Docker-Distribution-API-Version", "registry/2.0")
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(len(body)))
        if status == 401:
            handler.send_header("WWW-Authenticate", 'Basic realm="registry"')
        if kind == "manifests":
            handler.send_header("Docker-Content-Digest", _digest(body))
        handler.end_headers()
        if handler.command == "GET" and len(body) < _LARGE:
            handler.wfile.write(body)
        elif handler.command == "GET":
            handler.wfile.write(body[: _LARGE // 3])
            self._open.wait(30)
            with suppress(OSError):  # who asked may have given up
                handler.wfile.write(body[_LARGE // 3 :])


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
