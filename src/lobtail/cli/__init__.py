"""The command line: one module a command; options → engine → bytes on stdout.

stdout is data, stderr is narration. Only this layer picks streams and exit codes.
"""
