"""The version, in one place: the build backend and ``lobtail --version`` read it here."""

__version__ = "0.1.0"
