"""Read one container's log into lines: every message once, however often a connection breaks.

    source           chooses between the engine's files and its API
    reader           the history, what is live, catching up: from whichever serves
    from_files       the history from files
    from_files_live  what is written to rotated files
    intake           what is received: remembered, made into lines, handed on
    readers          many at a time, into one merge
    merged           what comes of that, as one stream
    task             a task of a swarm on another node, by way of the manager
    turn             only so many open a history at once
    poll             logs that cannot be followed are asked for their end again and again
    recheck          a second look at what a follow stream may have left out
    salvage          past a place that the engine cannot read

What a container does meanwhile, and when which stream is to be opened, is ``lobtail.follow``'s.
"""
