"""Read one container's log into lines: every message once, however often a connection breaks.

    reader     opens streams: history, live, catching up
    intake     what is received: remembered, made into lines, handed on
    poll       logs that cannot be followed are asked for their end again and again
    recheck    a second look at what a follow stream may have left out
    salvage    past a place that the engine cannot read

What a container does meanwhile, and when which stream is to be opened, is ``lobtail.follow``'s.
"""
