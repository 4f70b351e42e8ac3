"""FrameDecoder by itself: frames from memory, as a socket's reads would bring them."""

import time
from collections.abc import Callable

from benchkit import BenchError
from benchkit.report import OURS, Goal, Row
from lobtail.model.frames import Frame, FrameDecoder

PAYLOAD = 110
READ = 64 * 1024
# Seconds a frame.
GOAL = 0.6e-6


def decoder(count: int, rounds: int) -> list[Row]:
    """Decode frames of 110 bytes from reads of 64 KiB."""
    stream = (b"\1\0\0\0" + PAYLOAD.to_bytes(4, "big") + b"x" * PAYLOAD) * count
    reads = [stream[i : i + READ] for i in range(0, len(stream), READ)]
    del stream
    goal = Goal("median", round(GOAL * count, 3))
    frames = Row(f"decode {count:,} frames", "s", goal)
    runs = Row(f"decode {count:,} frames into runs", "s", goal)
    for _ in range(rounds):
        for row, method in ((frames, FrameDecoder.receive_data), (runs, FrameDecoder.receive_runs)):
            row.add(OURS, _decode(reads, method, count * PAYLOAD))
    return [frames, runs]


def _decode(
    reads: list[bytes], method: Callable[[FrameDecoder, bytes], list[Frame]], expected: int
) -> float:
    """Return the seconds it took; the counting is not in them."""
    decoder = FrameDecoder()
    seconds = 0.0
    size = 0
    for data in reads:
        start = time.perf_counter()
        frames = method(decoder, data)
        seconds += time.perf_counter() - start
        size += sum(len(frame.payload) for frame in frames)
    decoder.receive_eof()
    if size != expected:
        raise BenchError(f"the decoder gave {size} bytes of {expected}")
    return seconds
