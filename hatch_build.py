"""Puts the manual pages into the wheel, in share/man/man1, where man looks for them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManualPages(BuildHookInterface):  # type: ignore[type-arg]
    """The hook that hatchling calls before it makes a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the pages; not for an editable installation, which would not see changes."""
        if version == "editable":
            return
        folder = Path(self.root, "build", "man")
        for old in folder.glob("*.1"):
            old.unlink()
        script = Path(self.root, "scripts", "manpages")
        subprocess.run([sys.executable, str(script), str(folder)], check=True)  # noqa: S603
        for page in sorted(folder.glob("*.1")):
            build_data["shared_data"][str(page)] = f"share/man/man1/{page.name}"
