"""lobtail measured side by side with the docker CLI, in one run on one engine.

Plain standard library and lobtail itself. `bench/logs.py` is the command.

    engine     the engine and the containers that are read
    launch     starts one program and reports what it used; a process of its own
    process    runs programs under `launch`, and reads what they write
    report     rows of samples, goals, the table, the JSON
    volume     1M lines; one line of 1 GiB
    latency    the first byte of a small log; lines while they are written
    decoding   FrameDecoder by itself
"""


class BenchError(Exception):
    """Say in one line why nothing can be measured."""
