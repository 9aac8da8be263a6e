/* written_memory: everything that a reader follows from the root record lies in written memory.
 *
 * Linux leaves pages that were only mapped from a file out of cores, .rodata above all.  So each
 * address that the contract leads to is looked up in this process's own map: it must be writable.
 * Built as every kind of program, because where .data.rel.ro and constants end up differs.
 */
#include <cairn/cairn.h>
#include <cairn/contract.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

extern const struct cairn_contract_head cairn_contract_root;

struct span {
  uintptr_t start, end;
  bool writable;
};
static struct span spans[1024];
static size_t span_count;
static unsigned looked_at, faults;

static void read_map(void) {
  FILE *file = fopen("/proc/self/maps", "r");
  char line[512];
  while (file != NULL && fgets(line, sizeof line, file) != NULL && span_count < 1024) {
    struct span *span = &spans[span_count];
    char write = '-';
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*c%c", &span->start, &span->end, &write) != 3) {
      abort();
    }
    span->writable = write == 'w';
    span_count++;
  }
  if (file == NULL || fclose(file) != 0) abort();
}

static void must_be_written(const void *address, const char *what) {
  if (address == NULL) return;
  looked_at++;
  for (size_t i = 0; i < span_count; i++) {
    if ((uintptr_t)address < spans[i].start || (uintptr_t)address >= spans[i].end) continue;
    if (spans[i].writable) return;
    break;
  }
  faults++;
  (void)fprintf(stderr, "%s at %p is not in written memory\n", what, address);
}

static void follow_type(const struct cairn_type *type) {
  must_be_written(type, "a type");
  must_be_written(type->name, "a type's name");
  must_be_written(type->slots, "slots");
  must_be_written(type->fields, "fields");
  for (uint32_t i = 0; i < type->slot_count; i++) {
    must_be_written(type->slots[i].name, "a slot's name");
  }
  for (uint32_t i = 0; i < type->field_count; i++) {
    must_be_written(type->fields[i].name, "a field's name");
  }
}

static void follow_object(cairn_object *object, void *context) {
  must_be_written(object, "an object");
}

static void follow_heap(cairn_heap *heap) {
  must_be_written(heap, "a heap");
  must_be_written(heap->types, "the table of types");
  must_be_written(heap->weak_table, "the weak table");
  for (uint32_t i = 1; i < heap->type_count; i++) follow_type(heap->types[i]);
  for (struct cairn_chunk *chunk = heap->chunks; chunk != NULL; chunk = chunk->next) {
    must_be_written(chunk, "a chunk");
  }
  for (struct cairn_arena *arena = heap->arenas; arena != NULL; arena = arena->next) {
    must_be_written(arena, "an arena");
    must_be_written((const char *)arena + arena->page_table_offset, "a page table");
  }
  for (size_t i = 0; i < CAIRN_RUNTIME_SLOTS; i++) {
    must_be_written(heap->runtime_slots[i], "what the runtime owns");
  }
  cairn_heap_walk(heap, follow_object, NULL);
}

/* A type of the program's whose description is constant, and lives in .rodata. */
struct stone {
  cairn_object base;
  cairn_object *below;
  uint32_t weight;
};
static const cairn_slot_spec slots[] = {CAIRN_STRONG(struct stone, below)};
static const cairn_field_spec fields[] = {CAIRN_FIELD(struct stone, weight, UINT)};
static const cairn_type_spec spec = {.name = "stone",
                                     .size_bytes = sizeof(struct stone),
                                     .slots = slots,
                                     .slot_count = 1,
                                     .fields = fields,
                                     .field_count = 1};

int main(void) {
  cairn_heap *heap = cairn_heap_new(NULL);
  if (heap == NULL) return 1;
  cairn_object *stone = cairn_object_new(heap, cairn_type_define(heap, &spec));
  const char *const names[] = {"title", "body"};
  cairn_type page = cairn_record_define(heap, "page", names, 2);
  cairn_object *record = cairn_record_new(heap, page);
  cairn_object *interned = cairn_str_intern(heap, "interned", 8);
  cairn_object *weakref = cairn_weakref_new(heap, record);
  if (stone == NULL || record == NULL || interned == NULL || weakref == NULL) return 1;

  read_map();
  must_be_written(&cairn_contract_root, "the root record");
  must_be_written((const char *)&cairn_contract_root + cairn_contract_root.record_bytes - 1,
                  "the root record's end");
  follow_heap(heap);
  cairn_object *const held[] = {stone, record, interned, weakref};
  for (size_t i = 0; i < sizeof held / sizeof held[0]; i++) cairn_release(held[i]);
  if (!cairn_heap_destroy(heap, NULL)) return 1;
  printf("%u places looked at, %u not in written memory\n", looked_at, faults);
  return faults != 0 || looked_at < 300;
}
