## What bench.h is for C: arguments, clock, random numbers, results.

import std/[os, strutils]

const peer* = when defined(gcOrc): "nim-orc" else: "nim-arc"

proc text*(key, otherwise: string): string =
  for i in 2 .. paramCount():
    if paramStr(i).startsWith(key & "="): return paramStr(i)[key.len + 1 .. ^1]
  otherwise

proc number*(key: string, otherwise: int): int =
  let found = text(key, "")
  if found.len > 0: parseInt(found) else: otherwise

proc require*(holds: bool, what: string) =
  if not holds: quit(peer & " " & paramStr(1) & ": does not hold: " & what, 1)

type Timespec {.importc: "struct timespec", header: "<time.h>".} = object
  tv_sec, tv_nsec: clong

var cpuClock {.importc: "CLOCK_PROCESS_CPUTIME_ID", header: "<time.h>".}: cint
proc clockGettime(clock: cint, time: var Timespec): cint
  {.importc: "clock_gettime", header: "<time.h>".}

proc nowNs*(): float =
  ## Processor time of this process.
  var time: Timespec
  discard clockGettime(cpuClock, time)
  float(time.tv_sec) * 1e9 + float(time.tv_nsec)

proc residentBytes*(): float =
  float(parseInt(readFile("/proc/self/statm").split(' ')[1]) * 4096)

const seed* = 88172645463325252'u64

proc random*(state: var uint64): uint64 =
  ## Xorshift64*.
  state = state xor (state shr 12)
  state = state xor (state shl 25)
  state = state xor (state shr 27)
  state * 2685821657736338717'u64

proc mix*(sum, value: uint64): uint64 =
  (sum xor value) * 0x9e3779b97f4a7c15'u64

proc print*(figure: string, value: float, check: uint64) =
  let what = if paramCount() > 1: paramStr(2) else: ""
  echo "{\"bench\":\"", paramStr(1), "\",\"case\":\"", what, "\",\"peer\":\"", peer,
    "\",\"version\":\"", NimVersion, "\",\"figure\":\"", figure, "\",\"value\":",
    formatFloat(value, ffDecimal, 4), ",\"check\":\"", toHex(check).toLowerAscii, "\"}"
  flushFile(stdout)
