/* X1: work of other benchmarks with tracking switched on as CAIRN_TRACK says: "track" holds that
 * text, or "off". */
#include <stdlib.h>
#include <string.h>

#include "peer.h"

void tracked(void) {
  const char *track = bench_text("track", "off");
  bool off = strcmp(track, "off") == 0;
  if (off) {
    (void)unsetenv("CAIRN_TRACK");
  } else {
    (void)setenv("CAIRN_TRACK", track, 1);
  }
  cairn_heap *heap = peer_heap();
  cairn_object *list = cairn_list_new(heap, 0);
  bench_require((cairn_track_serial(list) == 0) == off, "tracking is as asked for");
  cairn_release(list);
  bench_require(cairn_heap_destroy(heap, NULL), "nothing is left");
  churn();
  trees();
  pairs();
  garbage();
}
