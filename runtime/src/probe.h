/* USDT probes: places where gdb, perf and bpftrace can stop the program or count.
 *
 * A probe is a no-op instruction and a note that tells where it stands and where its arguments are:
 * it costs nothing that can be measured.  Without <sys/sdt.h> (systemtap-sdt-dev) there are none.
 * docs/TRACKING.md lists them and their arguments.
 *
 * What this is not: tracking.  Those of objects fire for heaps that are tracked alone.
 */
#ifndef CAIRN_PROBE_H
#define CAIRN_PROBE_H

#if defined(CAIRN_PROBES)
#include <stdint.h>
#include <sys/sdt.h>
#if defined(__clang__) /* where the header's macros are used they are no system header's */
#define CAIRN_PROBE_QUIET          \
  _Pragma("clang diagnostic push") \
      _Pragma("clang diagnostic ignored \"-Wgnu-zero-variadic-macro-arguments\"")
#define CAIRN_PROBE_LOUD _Pragma("clang diagnostic pop")
#else
#define CAIRN_PROBE_QUIET
#define CAIRN_PROBE_LOUD
#endif
/* As wide as a register: a narrower one may be noted as a part of a register whose name GDB's
 * parser does not know (r12b). */
#define CAIRN_PROBE_WORD(value) ((uint64_t)(uintptr_t)(value))
/* Five arguments, integers or pointers. */
#define CAIRN_PROBE(name, a, b, c, d, e)                                                      \
  do {                                                                                        \
    CAIRN_PROBE_QUIET                                                                         \
    DTRACE_PROBE5(cairn, name, CAIRN_PROBE_WORD(a), CAIRN_PROBE_WORD(b), CAIRN_PROBE_WORD(c), \
                  CAIRN_PROBE_WORD(d), CAIRN_PROBE_WORD(e));                                  \
    CAIRN_PROBE_LOUD                                                                          \
  } while (0)
#else
#define CAIRN_PROBE(name, a, b, c, d, e) ((void)(a), (void)(b), (void)(c), (void)(d), (void)(e))
#endif

#endif
