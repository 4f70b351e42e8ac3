"""``python -m lobtail`` is ``lobtail``."""

from lobtail.cli.entry import main

main()
