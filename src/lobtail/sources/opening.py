"""Open the files in which an engine keeps a log, if they are to be read.

Files are ten times as fast as the API, and right where an engine is wrong. They are read where
that is sure to give what the API would: the engine is Docker, reached by a Unix socket, the log
driver is json-file or local, and the files are there and may be read.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from lobtail.errors import EngineError, LogFileError
from lobtail.files import LogFiles, open_log

if TYPE_CHECKING:
    from lobtail.engine.client import EngineClient
    from lobtail.engine.objects.container import Container

__all__ = ["open_files"]

# The local driver's last piece of a long line has no newline before 23.0, and its stamps are in the
# engine's own zone before 25.0 (docs/decisions/015).
LEGACY_API: Final = (1, 42)
UTC_API: Final = (1, 44)
# From 24.0 on all that stands behind the first message that `since` admits is sent.
LATCHED_API: Final = (1, 43)


async def open_files(engine: EngineClient, container: Container) -> LogFiles:
    """Open the log files of a container; LogFileError says why that cannot be."""
    driver = container.log_driver
    if engine.endpoint.kind != "unix":
        raise LogFileError(f"the engine at {engine.endpoint} is not on this machine")
    if driver not in ("json-file", "local"):
        raise LogFileError(
            f"the log driver is {driver or 'unknown'}; only files of json-file and local are read"
        )
    path = Path(container.log_path)
    if driver == "json-file" and not path.is_absolute():
        raise LogFileError("the engine does not say where the log is")
    if await engine.is_podman():
        raise LogFileError("the engine is Podman, whose stamps differ from those in its files")
    version = await engine.api_version()
    latched = version >= LATCHED_API
    if driver == "json-file":
        return open_log(path, driver, latched=latched, engines=True)
    path = await _local_path(engine, container)
    return open_log(path, driver, legacy=version < LEGACY_API, latched=latched, engines=True)


async def _local_path(engine: EngineClient, container: Container) -> Path:
    """Return where the engine keeps what the driver local writes."""
    try:
        info = await engine.info()
    except EngineError as exc:
        raise LogFileError(f"the engine does not say where its logs are: {exc}") from exc
    version = await engine.api_version()
    if version < UTC_API and not info.system_time.endswith(("Z", "+00:00")):
        raise LogFileError("this engine writes the times of the local driver in its own zone")
    root = Path(info.docker_root_dir)
    if not root.is_absolute():
        raise LogFileError("the engine does not say where its logs are")
    return root / "containers" / container.id / "local-logs" / "container.log"
