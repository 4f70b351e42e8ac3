"""Private container engines for lobtail's demo, tests and benchmarks.

Not part of the lobtail package: plain standard library, so that it runs on a machine that has
nothing but Python. `scripts/lab` is the command, `scripts/demo` the other user.

    api        HTTP over a Unix or TCP socket: just enough to drive an engine
    packages   what Debian must provide, and how it gets here
    image      the test image, made from Debian's static busybox
    proc       whose process is it, and how it ends
    engines    the command line and the settings of each engine
    lab        up, host, down
    swarm      engines as the nodes of a swarm
"""


class LabError(Exception):
    """Say in one line why there is no engine, and what would help."""
