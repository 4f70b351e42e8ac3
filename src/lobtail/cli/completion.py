"""``lobtail completion``: the scripts by which shells complete lobtail's command line."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from lobtail.terminal.output import Output

__all__ = ["SHELLS", "command"]

SHELLS: Final = ("bash", "zsh", "fish")


@click.command("completion", short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(SHELLS), metavar="SHELL")
def command(shell: str) -> None:
    """Print the completion script of SHELL: bash, zsh or fish.

    \b
    bash   source <(lobtail completion bash)   in ~/.bashrc
    zsh    source <(lobtail completion zsh)    in ~/.zshrc, behind compinit
    fish   lobtail completion fish | source    in ~/.config/fish/config.fish
    """  # noqa: D301 - the backspace itself keeps click from filling the lines below it
    Output.stdout().write((Path(__file__).parent / "shells" / f"lobtail.{shell}").read_bytes())
