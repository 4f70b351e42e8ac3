"""The log of one container, or of one task: a machine without I/O, and what drives it."""
