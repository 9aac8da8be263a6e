"""Stopping the program where something happens to an object.

    setting.py       what is asked for is set, or why it can't be
    breakpoints.py   breakpoints and watchpoints that know objects
    stopped.py       what happened, in a line, when one of these has stopped
    observing.py     objects of heaps that are not tracked, on their way past the probes
    heads.py         one object by its header, at each hit

May import gdb; imports session, outside, records.

What this is not: the commands `cairn watch` and `cairn break` (commands/), which ask for these
through the session's Target.
"""
