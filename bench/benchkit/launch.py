"""Start a program, wait for its end, write what it used to a file descriptor.

    python -I -S launch.py FD PROGRAM [ARGUMENT...]

A process between the benchmark and the program, because Linux counts the peak memory of the process
that forks into the peak of the program that it starts (exec_mmap in fs/exec.c). This one is small.
Times are CLOCK_MONOTONIC in ns, which is one clock for all processes.
"""

import os
import sys
import time


def main() -> None:
    """Write `start end user+system-ns max-rss-kib exit-code`."""
    report = int(sys.argv[1])
    command = sys.argv[2:]
    os.set_inheritable(report, False)
    start = time.monotonic_ns()
    pid = os.posix_spawnp(command[0], command, os.environ)
    # Now the program alone holds the pipe: its reader sees the end when the program ends.
    os.closerange(0, 2)
    _, status, usage = os.wait4(pid, 0)
    end = time.monotonic_ns()
    cpu = int((usage.ru_utime + usage.ru_stime) * 1e9)
    # macOS reports bytes.
    rss = usage.ru_maxrss // 1024 if sys.platform == "darwin" else usage.ru_maxrss
    code = os.waitstatus_to_exitcode(status)
    os.write(report, f"{start} {end} {cpu} {rss} {code}".encode())


main()
