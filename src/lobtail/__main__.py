"""``python -m lobtail`` is ``lobtail``."""

from lobtail.cli.main import main

main()
