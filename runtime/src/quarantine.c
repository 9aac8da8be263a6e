/* Quarantine: freed blocks are filled with a pattern and kept back for a while, so that a use of
 * them is caught instead of hitting the next object at the address.
 *
 * A block in quarantine has a header of its own: state.quarantined and state.traced (which leads a
 * retain or release to count.c, off the fast path), the type that it had, a count of 0.  All behind
 * the header is CAIRN_POISON_BYTE, and forbidden to the program where it has an address sanitizer.
 * The list goes through the blocks' records, oldest first.
 *
 * Invariants:
 *  - quarantine_bytes and quarantine_count are those of the blocks in the list;
 *    quarantine_bytes <= quarantine_limit but within a collection.
 *  - To its page such a block is used; to the heap's counters of objects and buffers it is freed.
 *
 * What this is not: a guarantee.  A use of a block that has left is not noticed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sanitizer.h"
#include "tracking.h"

enum { TEXT_BYTES = 512, PLACE_BYTES = 128 };

#define QUARANTINED_MARK (CAIRN_STATE(QUARANTINED) | CAIRN_STATE(TRACED))

/* The header of a block in quarantine, from what is known of what it was. */
static uint64_t mark_of(const struct cairn_track_record *record) {
  uint64_t kind = record->type == 0 ? CAIRN_STATE(BUFFER) : 0;
  return QUARANTINED_MARK | kind | (uint64_t)record->type << CAIRN_TYPE_SHIFT;
}

/* Behind the header of a block. */
static unsigned char *payload_of(const void *block, size_t *bytes) {
  *bytes = cairn_block_size(block) - sizeof(cairn_object);
  return (unsigned char *)block + sizeof(cairn_object);
}

/* The program may touch the block again when this returns. */
static bool is_untouched(const void *block, const struct cairn_track_record *record) {
  size_t size;
  const unsigned char *bytes = payload_of(block, &size);
  cairn_sanitizer_allow(bytes, size);
  if (((const cairn_object *)block)->header != mark_of(record)) return false;
  for (size_t i = 0; i < size; i++) {
    if (bytes[i] != CAIRN_POISON_BYTE) return false;
  }
  return true;
}

/* ---- reports --------------------------------------------------------------------------------- */

static uint64_t first_caller(const struct cairn_tracking *tracking, uint32_t site) {
  const struct cairn_site *row = cairn_site_at(tracking, site);
  return row == NULL ? 0 : row->frames[0];
}

static const char *const misuse_words[] = {
    [CAIRN_MISUSE_RETAIN] = "retained after it was freed",
    [CAIRN_MISUSE_RELEASE] = "released after it was freed",
    [CAIRN_MISUSE_WRITE] = "written to after it was freed",
};

static void report_text(const cairn_misuse_report *report, char *out, size_t bytes) {
  char allocated[PLACE_BYTES + 32] = "", place[PLACE_BYTES], freed[PLACE_BYTES];
  char used[PLACE_BYTES + 8] = "", serial[32] = "";
  if (report->serial != 0) {
    snprintf(serial, sizeof serial, " (serial %llu)", (unsigned long long)report->serial);
  }
  if (report->allocated_by != 0) {
    cairn_caller_text(report->allocated_by, place, sizeof place);
    snprintf(allocated, sizeof allocated, ", allocated by %s", place);
  }
  if (report->misuse != CAIRN_MISUSE_WRITE) {
    cairn_caller_text(report->used_by, place, sizeof place);
    snprintf(used, sizeof used, " by %s", place);
  }
  cairn_caller_text(report->freed_by, freed, sizeof freed);
  snprintf(out, bytes, "cairn: the %s at %p%s was %s%s; freed by %s%s", report->type_name,
           report->address, serial, misuse_words[report->misuse], used, freed, allocated);
}

/* The event of a retain or release.  It stands in the ring before the program hears of it, and
 * maybe aborts. */
static void record_misuse(cairn_heap *heap, const void *block, enum cairn_misuse misuse,
                          const struct cairn_callers *callers, const void *holder) {
  if (misuse == CAIRN_MISUSE_WRITE || cairn_track_record_of(block)->type == 0) return;
  cairn_track_caught(heap, block,
                     misuse == CAIRN_MISUSE_RETAIN ? CAIRN_EVENT_RETAIN : CAIRN_EVENT_RELEASE,
                     callers, holder);
}

void cairn_quarantine_misused(cairn_heap *heap, const void *block, enum cairn_misuse misuse,
                              struct cairn_call call, const void *holder) {
  struct cairn_tracking *tracking = heap->tracking;
  const struct cairn_track_record *record = cairn_track_record_of(block);
  struct cairn_callers callers = {.count = 0};
  if (misuse != CAIRN_MISUSE_WRITE) cairn_callers_find(call, tracking->backtrace, &callers);
  cairn_heap_lock(heap);
  record_misuse(heap, block, misuse, &callers, holder);
  char text[TEXT_BYTES];
  cairn_misuse_report report = {
      .misuse = misuse,
      .address = block,
      .serial = record->serial,
      .type_name = record->type == 0 ? "buffer" : heap->types[record->type]->name,
      .allocated_by = first_caller(tracking, record->site),
      .freed_by = first_caller(tracking, record->freed_site),
      .used_by = callers.count == 0 ? 0 : callers.frames[0],
      .text = text,
  };
  report_text(&report, text, sizeof text);
  tracking->misuse_count++;
  if (tracking->misuse != NULL) {
    tracking->misuse(heap, &report, tracking->misuse_context);
  } else {
    fprintf(stderr, "%s\n", text);
#ifndef NDEBUG
    abort();
#endif
  }
  cairn_heap_unlock(heap);
}

/* ---- in and out ------------------------------------------------------------------------------ */

/* The block that was freed first goes back to its page. */
static void let_go(cairn_heap *heap) {
  struct cairn_tracking *tracking = heap->tracking;
  cairn_object *block = tracking->quarantine_first;
  struct cairn_track_record *record = cairn_track_record_of(block);
  if (!is_untouched(block, record)) {
    cairn_quarantine_misused(heap, block, CAIRN_MISUSE_WRITE, (struct cairn_call){0}, NULL);
  }
  tracking->quarantine_first = record->next;
  if (record->next == NULL) tracking->quarantine_last = NULL;
  record->next = NULL;
  tracking->quarantine_count--;
  tracking->quarantine_bytes -= cairn_block_size(block);
  CAIRN_ORDER();
  cairn_block_free_retired(heap, block);
}

void cairn_quarantine_shrink(cairn_heap *heap, uint64_t bytes) {
  const struct cairn_tracking *tracking = heap->tracking;
  while (tracking->quarantine_bytes > bytes) let_go(heap);
}

bool cairn_quarantine_keep(cairn_heap *heap, void *block, struct cairn_track_record *record) {
  struct cairn_tracking *tracking = heap->tracking;
  size_t size = cairn_block_size(block);
  if (size > tracking->quarantine_limit) return false;
  /* A collection has hold of pages and arenas, so none may go; it shrinks the quarantine at its
   * end.
   */
  if (!heap->collecting) cairn_quarantine_shrink(heap, tracking->quarantine_limit - size);
  record->next = NULL;
  cairn_block_retire(heap, block, mark_of(record));
  size_t payload_bytes;
  unsigned char *payload = payload_of(block, &payload_bytes);
  memset(payload, CAIRN_POISON_BYTE, payload_bytes);
  cairn_sanitizer_forbid(payload, payload_bytes);
  if (tracking->quarantine_last == NULL) {
    tracking->quarantine_first = block;
  } else {
    cairn_track_record_of(tracking->quarantine_last)->next = block;
  }
  tracking->quarantine_last = block;
  tracking->quarantine_count++;
  tracking->quarantine_bytes += size;
  return true;
}

const char *cairn_quarantine_check(const cairn_heap *heap) {
  const struct cairn_tracking *tracking = heap->tracking;
  if (tracking == NULL) return NULL;
  const void *block = tracking->quarantine_first;
  uint64_t bytes = 0;
  for (uint64_t i = 0; i < tracking->quarantine_count; i++) {
    if (block == NULL) return "the quarantine's list is shorter than its counter says";
    const struct cairn_track_record *record = cairn_track_record_of(block);
    bool untouched = is_untouched(block, record);
    size_t payload_bytes;
    const unsigned char *payload = payload_of(block, &payload_bytes);
    cairn_sanitizer_forbid(payload, payload_bytes);
    if (!untouched) return "a freed object in quarantine was written to";
    bytes += cairn_block_size(block);
    block = record->next;
  }
  return bytes == tracking->quarantine_bytes ? NULL : "the quarantine's bytes are wrong";
}
