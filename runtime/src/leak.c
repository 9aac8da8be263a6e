/* The leak report: what is still counted when a heap is destroyed, by type.
 *
 * Not leaks: what the runtime itself owns (heap.runtime_slots) and immortal objects.  Interned
 * strings that only the intern table held went with the collection before this.  An object whose
 * count saturated is a leak.
 *
 * What this is not: an explanation.  Who holds a leak is the debugger's to say, before the heap is
 * destroyed.
 */
#include "leak.h"

#include <stdio.h>

#include "slots.h"

enum { REPORT_TYPES = sizeof((cairn_leak_report *)0)->types / sizeof(struct cairn_leak) };

struct tally {
  uint64_t object_count, bytes, external_bytes;
};

struct search {
  const cairn_heap *heap;
  struct tally total;
  struct tally *by_type; /* a row a type; NULL when there was no memory for it */
};

static bool is_runtimes_own(const cairn_heap *heap, const cairn_object *object) {
  uint64_t count = object->header & CAIRN_COUNT_MASK;
  if (count == CAIRN_COUNT_IMMORTAL) return true;
  if (count != 1) return false;
  for (size_t i = 0; i < CAIRN_RUNTIME_SLOTS; i++) {
    if (heap->runtime_slots[i] == object) return true;
  }
  return false;
}

/* The bytes of the object's block and of the buffers that its slots own. */
static uint64_t owned_bytes(const cairn_heap *heap, const cairn_object *object) {
  uint64_t bytes = cairn_block_size(object);
  const struct cairn_type *type = cairn_type_of(heap, object);
  const void *previous = NULL;
  for (uint32_t i = 0; i < type->slot_count; i++) {
    const struct cairn_slot *slot = &type->slots[i];
    if (slot->shape != CAIRN_SHAPE_ARRAY && slot->shape != CAIRN_SHAPE_TABLE) continue;
    if ((slot->flags & CAIRN_SLOT_FLAG_FOREIGN) != 0) continue;
    const void *buffer;
    memcpy(&buffer, (const char *)object + slot->offset, sizeof buffer);
    /* Several slots may describe columns of one buffer, one behind the other. */
    if (buffer == NULL || buffer == previous) continue;
    previous = buffer;
    bytes += cairn_buffer_size(buffer) + sizeof(cairn_object);
  }
  return bytes;
}

static void count_leak(cairn_object *object, void *context) {
  struct search *search = context;
  if (is_runtimes_own(search->heap, object)) return;
  uint64_t bytes = owned_bytes(search->heap, object);
  uint64_t external_bytes = cairn_external_bytes(object);
  search->total.object_count++;
  search->total.bytes += bytes;
  search->total.external_bytes += external_bytes;
  if (search->by_type == NULL) return;
  struct tally *row = &search->by_type[cairn_type_index(object)];
  row->object_count++;
  row->bytes += bytes;
  row->external_bytes += external_bytes;
}

static uint64_t weight(const struct cairn_leak *leak) { return leak->bytes + leak->external_bytes; }

/* Puts the type where it belongs among the biggest, if it does. */
static void report_type(cairn_leak_report *report, const struct cairn_type *type,
                        const struct tally *row) {
  size_t at = report->type_count;
  while (at > 0 && weight(&report->types[at - 1]) < row->bytes + row->external_bytes) at--;
  if (at == REPORT_TYPES) return;
  if (report->type_count < REPORT_TYPES) report->type_count++;
  for (size_t i = report->type_count - 1; i > at; i--) report->types[i] = report->types[i - 1];
  struct cairn_leak *leak = &report->types[at];
  snprintf(leak->name_storage, sizeof leak->name_storage, "%s", type->name);
  leak->object_count = row->object_count;
  leak->bytes = row->bytes;
  leak->external_bytes = row->external_bytes;
}

void cairn_leak_find(cairn_heap *heap, cairn_leak_report *report) {
  *report = (cairn_leak_report){0};
  size_t rows_bytes = heap->type_count * sizeof(struct tally);
  struct search search = {.heap = heap, .by_type = cairn_system_map(rows_bytes, 0)};
  cairn_heap_walk(heap, count_leak, &search);
  report->object_count = search.total.object_count;
  report->bytes = search.total.bytes;
  report->external_bytes = search.total.external_bytes;
  if (search.by_type == NULL) return;
  for (uint32_t i = 1; i < heap->type_count; i++) {
    if (search.by_type[i].object_count != 0) {
      report_type(report, heap->types[i], &search.by_type[i]);
    }
  }
  for (size_t i = 0; i < report->type_count; i++) {
    report->types[i].type_name = report->types[i].name_storage;
  }
  cairn_system_unmap(search.by_type, rows_bytes);
}
