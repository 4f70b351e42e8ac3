"""The terminal client: ``lobtail ui``.

``state`` is what it knows, without a terminal or a clock; ``widgets`` show it, ``screens`` put
them together, ``feed`` fills it from ``Engine.tail``. It talks to engines through ``lobtail.api``
only. Nothing of this is imported by another command: it needs Textual, the extra ``[tui]``.
"""
