/* Cairn as a peer: its table of benchmarks, and what they share. */
#include "peer.h"

#include <stddef.h>

#ifndef CAIRN_PEER_NAME
#define CAIRN_PEER_NAME "cairn"
#endif

const char bench_peer[] = CAIRN_PEER_NAME;
const char *bench_peer_version(void) { return CAIRN_PEER_VERSION; }

const struct bench_entry bench_table[] = {
    {"B1", churn},    {"B2", trees},     {"B3", pairs},     {"B4", garbage},
    {"B5", live},     {"B6", space},     {"B7", long_list}, {"B8", containers},
    {"B9", document}, {"X1", tracked},   {"X2", variants},  {"X3", pauses},
    {"X4", growth},   {"X5", fragments}, {"X6", returns},   {NULL, NULL}};

static cairn_heap *make_heap(bool manual) {
  cairn_heap_options options = {.name = "bench", .manual_collection = manual};
  cairn_heap *heap = cairn_heap_new(&options);
  bench_require(heap != NULL, "a new heap");
  return heap;
}

cairn_heap *peer_heap(void) { return make_heap(false); }
cairn_heap *peer_heap_manual(void) { return make_heap(true); }

cairn_type peer_node_type(cairn_heap *heap) {
  static const cairn_slot_spec slots[] = {CAIRN_STRONG(struct node, left),
                                          CAIRN_STRONG(struct node, right)};
  const cairn_type_spec spec = {
      .name = "node", .size_bytes = sizeof(struct node), .slots = slots, .slot_count = 2};
  cairn_type type = cairn_type_define(heap, &spec);
  bench_require(type != 0, "a new type");
  return type;
}
