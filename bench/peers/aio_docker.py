"""aiodocker's plain iteration over a log: `python aio_docker.py CONTAINER`."""

import asyncio
import sys

import aiodocker


async def show(name: str) -> None:
    """Write each line as it comes, as a program that uses aiodocker would."""
    write = sys.stdout.write
    async with aiodocker.Docker() as docker:
        container = await docker.containers.get(name)
        # Only with `follow` it iterates; the log of a container that has ended ends all the same.
        async for line in container.log(stdout=True, stderr=True, follow=True):
            write(line)


def main() -> None:
    """Show the log, or which aiodocker it is."""
    if sys.argv[1] == "--version":
        print(aiodocker.__version__)
        return
    asyncio.run(show(sys.argv[1]))


main()
