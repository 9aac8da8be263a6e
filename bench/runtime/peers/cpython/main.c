/* CPython as a peer: its benchmarks in C, over the public C API of an embedded interpreter. */
#include "node.h"
#include "programs.h"

const char bench_peer[] = "cpython";
const char *bench_peer_version(void) { return PY_VERSION; }

const struct bench_entry bench_table[] = {{"B2", trees},      {"B3", pairs},     {"B4", cycles},
                                          {"B5", idle},       {"B6", footprint}, {"B7", long_list},
                                          {"B8", containers}, {"B9", document},  {"X3", pauses},
                                          {"X4", growth},     {NULL, NULL}};
