"""A signal is heard though the event loop sleeps."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import asyncio, os, signal, threading
from pathlib import Path
from lobtail.cli import entry
from lobtail.cli.options import run

signal.signal(signal.SIGINT, entry._exit_on_signal)

def interrupt():
    # Once the main thread sleeps; and not it is interrupted, as where a signal comes just before.
    while Path("/proc/self/stat").read_text().rpartition(")")[2].split()[0] != "S":
        pass
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)
    threading.Event().wait()

async def main():
    threading.Thread(target=interrupt, daemon=True).start()
    await asyncio.Event().wait()

try:
    run(main())
except SystemExit as exc:
    os._exit(exc.code)
"""


def test_a_signal_that_does_not_interrupt_the_main_thread_ends_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, check=False, timeout=30
    )
    assert (done.returncode, done.stderr) == (130, b"")
