## The benchmarks of the Nim peers, with reference counts and the cycle collector (--mm:orc) or
## without it (--mm:arc).

import std/os
import graph, objects, pause

case (if paramCount() >= 1: paramStr(1) else: "")
of "B2": objects.trees()
of "B3": objects.pairs()
of "B4": (when defined(gcOrc): graph.cycles() else: quit("arc has no collector", 2))
of "B5": (when defined(gcOrc): graph.idle() else: quit("arc has no collector", 2))
of "B6": objects.footprint()
of "B7": objects.listDrop()
of "X3": (when defined(gcOrc): pause.pauses() else: quit("arc has no collector", 2))
else: quit("usage: PROGRAM BENCH [key=value]...", 2)
