"""lobtail measured side by side with the docker CLI, docker-py and aiodocker, on one engine.

Plain standard library and lobtail itself; the peers have a Python of their own. `bench/run.py` is
the command.

    engine     the engine and the containers that are read
    launch     starts one program and reports what it used; a process of its own
    process    runs programs under `launch`, and reads what they write
    reading    runs several programs in turn on one log
    report     rows of samples, goals, the table, the JSON
    chart      the rows as bars
    docs       table and chart in docs/performance.md
    volume     1M lines; one line of 1 GiB
    search     a few lines of a large log, by text and by time
    latency    the first byte of a small log; lines while they are written
    many       many containers followed by one process
    decoding   FrameDecoder by itself
"""


class BenchError(Exception):
    """Say in one line why nothing can be measured."""
