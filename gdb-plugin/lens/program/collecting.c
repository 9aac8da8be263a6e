/* Heaps that collect only when the program asks: cycles stay there until it does. */
#include <inttypes.h>
#include <stdio.h>

#include "command.h"
#include "units.h"

enum { NAMED = 3 };

/* The next one from *at on. */
static bool next_manual(const struct session *session, uint64_t *at, lens_heap *out) {
  for (; *at < lens_heap_count(session->target); ++*at) {
    if (session->heap != LENS_NONE && session->heap != *at) continue;
    if (lens_heap_get(session->target, *at, out) != LENS_OK || out->manual_collection == 0)
      continue;
    ++*at;
    return true;
  }
  return false;
}

void json_manual_heaps(const struct session *session) {
  lens_heap heap;
  uint64_t at = 0;
  if (!next_manual(session, &at, &heap)) return;
  json_name(session->json, "manual_heaps");
  yajl_gen_array_open(session->json);
  do {
    yajl_gen_map_open(session->json);
    json_number(session->json, "id", heap.id);
    json_number(session->json, "collections", heap.collection_count);
    yajl_gen_map_close(session->json);
  } while (next_manual(session, &at, &heap));
  yajl_gen_array_close(session->json);
}

void text_manual_heaps(const struct session *session) {
  lens_heap heap;
  uint64_t count = 0, at = 0;
  while (next_manual(session, &at, &heap)) {
    if (count++ >= NAMED) continue;
    printf("Heap %s collects only when the program asks, ", heap.name);
    if (heap.collection_count == 0) {
      puts("and it never has.");
    } else {
      printf("%s %s so far.\n", text_number(heap.collection_count).text,
             heap.collection_count == 1 ? "collection" : "collections");
    }
  }
  if (count == NAMED + 1) puts("So does 1 more heap.");
  if (count > NAMED + 1) printf("So do %s more heaps.\n", text_number(count - NAMED).text);
}
