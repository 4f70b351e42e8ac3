"""Our terminal, stdout and stderr: written safely, lent to a process, and put back."""
