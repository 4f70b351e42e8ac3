"""docker-py's plain iteration over a log: `python docker_py.py CONTAINER`."""

import sys

import docker


def main() -> None:
    """Write each line as it comes, as a program that uses docker-py would."""
    if sys.argv[1] == "--version":
        print(docker.__version__)
        return
    container = docker.from_env().containers.get(sys.argv[1])
    write = sys.stdout.buffer.write
    for line in container.logs(stream=True):
        write(line)


main()
