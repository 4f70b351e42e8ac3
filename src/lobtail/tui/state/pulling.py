"""How far a pull is: bytes of the layers that are on their way."""

from __future__ import annotations

from lobtail.engine.objects.pull import PullProgress
from lobtail.tui.state.inventory import size_words

__all__ = ["Pulling"]

_LOADED = frozenset(("Verifying Checksum", "Download complete", "Extracting", "Pull complete"))


class Pulling:
    """Takes the steps of a pull; ``words`` say what has come of it."""

    def __init__(self) -> None:
        # Bytes so far and in all of each layer; both 0 until its size is known.
        self._layers: dict[str, tuple[int, int]] = {}
        self._loaded: set[str] = set()

    def take(self, step: PullProgress) -> None:
        """Note a step. Unpacking counts bytes anew, which have come already."""
        if step.status == "Pulling fs layer":
            self._layers.setdefault(step.id, (0, 0))
        elif step.status == "Downloading" and step.total:
            self._layers[step.id] = (step.current or 0, step.total)
        elif step.status in _LOADED and step.id in self._layers:
            self._loaded.add(step.id)

    @property
    def words(self) -> str:
        """How many bytes have come, of how many; ``+`` as long as there are layers of any size.

        Empty where the engine tells no bytes, as Podman does not.
        """
        layers = self._layers.items()
        whole = sum(total for _, (_, total) in layers)
        if not whole:
            return ""
        done = sum(total if key in self._loaded else current for key, (current, total) in layers)
        more = any(not total and key not in self._loaded for key, (_, total) in layers)
        return f"{size_words(done)} of {size_words(whole)}{'+' if more else ''}"
