/* External bytes: what lies outside a heap and is kept there by one of its objects.
 *
 * The table is open-addressed by the object's address, in a mapping of its own: a head and behind
 * it the entries.  An entry is one object with bytes; its header has state.external, so that a
 * death asks for the table only where there is something to give back.
 *
 * Invariants:
 *  - heap->external_bytes is the sum of the entries' bytes, none of which is 0, and is at most
 *    INT64_MAX, so that sums with it do not overflow.
 *  - Exactly the objects of the entries have state.external.
 *  - At most 3/4 of the entries are in use, and no empty one lies between an entry and the place
 *    that its hash names.  While one is taken out another may stand there twice for an instant.
 *
 * What this is not: a limit (limit.c), which is only told of the bytes.
 */
#include "internal.h"

enum {
  CAPACITY_MIN = 128,   /* entries, a power of two, as each capacity is */
  CAPACITY_KEPT = 4096, /* an empty table above it goes back to the system */
  MAPPING_GRAIN = 4096
};

static uint32_t home(const struct cairn_external_table *table, const cairn_object *object) {
  uint64_t mixed = (uint64_t)(uintptr_t)object * 0x9e3779b97f4a7c15ull;
  return (uint32_t)(mixed >> 32) & (table->capacity - 1);
}

/* The object's entry, or the empty one where it would stand. */
static struct cairn_external *find(const struct cairn_external_table *table,
                                   const cairn_object *object) {
  uint32_t at = home(table, object);
  while (table->entries[at].object != NULL && table->entries[at].object != object) {
    at = (at + 1) & (table->capacity - 1);
  }
  return &table->entries[at];
}

static void fill(struct cairn_external *entry, cairn_object *object, uint64_t bytes) {
  entry->object = NULL;
  CAIRN_ORDER();
  entry->bytes = bytes;
  CAIRN_ORDER();
  entry->object = object;
}

/* Takes the entry out, and moves those behind it that it stood in the way of. */
static void take_out(struct cairn_external_table *table, struct cairn_external *entry) {
  uint32_t mask = table->capacity - 1;
  uint32_t hole = (uint32_t)(entry - table->entries);
  for (uint32_t at = (hole + 1) & mask; table->entries[at].object != NULL; at = (at + 1) & mask) {
    uint32_t wanted = home(table, table->entries[at].object);
    if (((at - wanted) & mask) < ((at - hole) & mask)) continue; /* its place is behind the hole */
    fill(&table->entries[hole], table->entries[at].object, table->entries[at].bytes);
    hole = at;
  }
  table->entries[hole].object = NULL;
  table->count--;
}

static size_t mapping_bytes(uint32_t capacity) {
  size_t bytes =
      sizeof(struct cairn_external_table) + (size_t)capacity * sizeof(struct cairn_external);
  return (bytes + MAPPING_GRAIN - 1) / MAPPING_GRAIN * MAPPING_GRAIN;
}

/* Makes room for one entry more.  The limit is not asked: it would refuse the note of what presses
 * on it. */
static bool reserve(cairn_heap *heap) {
  struct cairn_external_table *full = heap->external_table;
  if (full != NULL && full->count < full->capacity / 4 * 3) return true;
  uint32_t capacity = full == NULL ? CAPACITY_MIN : 2 * full->capacity;
  if (capacity == 0) return false;
  struct cairn_external_table *table = cairn_metadata_map_unlimited(heap, mapping_bytes(capacity));
  if (table == NULL) return false;
  table->bytes = mapping_bytes(capacity);
  table->capacity = capacity;
  table->entries = (struct cairn_external *)(void *)(table + 1);
  for (uint32_t i = 0; full != NULL && i < full->capacity; i++) {
    const struct cairn_external *entry = &full->entries[i];
    if (entry->object != NULL) fill(find(table, entry->object), entry->object, entry->bytes);
  }
  table->count = full == NULL ? 0 : full->count;
  CAIRN_ORDER();
  heap->external_table = table;
  CAIRN_ORDER();
  if (full != NULL) cairn_metadata_unmap(heap, full, full->bytes);
  return true;
}

static void release_empty(cairn_heap *heap) {
  const struct cairn_external_table *table = heap->external_table;
  if (table->count == 0 && table->capacity > CAPACITY_KEPT) cairn_external_table_free(heap);
}

static bool add(cairn_heap *heap, cairn_object *object, uint64_t more) {
  if (cairn_refcount(object) == CAIRN_COUNT_IMMORTAL) return false; /* never written to */
  uint64_t room = (uint64_t)INT64_MAX - heap->external_bytes;
  if (more > room) more = room;
  if (more == 0) return true;
  bool known = (cairn_header_load(object) & CAIRN_STATE(EXTERNAL)) != 0;
  if (!known && !reserve(heap)) return false;
  struct cairn_external *entry = find(heap->external_table, object);
  if (known) {
    entry->bytes += more;
  } else {
    fill(entry, object, more);
    heap->external_table->count++;
    cairn_header_set(object, CAIRN_STATE(EXTERNAL));
  }
  cairn_limit_external(heap, (int64_t)more);
  return true;
}

static void give_back(cairn_heap *heap, cairn_object *object, uint64_t less) {
  if ((cairn_header_load(object) & CAIRN_STATE(EXTERNAL)) == 0) return;
  struct cairn_external *entry = find(heap->external_table, object);
  assert(entry->object == object);
  if (less > entry->bytes) less = entry->bytes;
  entry->bytes -= less;
  if (entry->bytes == 0) {
    cairn_header_clear(object, CAIRN_STATE(EXTERNAL));
    take_out(heap->external_table, entry);
    release_empty(heap);
  }
  cairn_limit_external(heap, -(int64_t)less);
}

bool cairn_external_add(cairn_object *object, int64_t bytes) {
  cairn_heap *heap = cairn_object_heap(object);
  bool noted = true;
  cairn_heap_check(heap);
  cairn_heap_lock(heap);
  assert((cairn_header_load(object) & CAIRN_STATE(LIVE)) != 0);
  if (bytes >= 0) {
    noted = add(heap, object, (uint64_t)bytes);
  } else {
    give_back(heap, object, 0 - (uint64_t)bytes);
  }
  cairn_heap_unlock(heap);
  return noted;
}

uint64_t cairn_external_bytes(const cairn_object *object) {
  const cairn_heap *heap = cairn_object_heap(object);
  uint64_t bytes = 0;
  cairn_heap_lock(heap);
  if ((cairn_header_load(object) & CAIRN_STATE(EXTERNAL)) != 0) {
    bytes = find(heap->external_table, object)->bytes;
  }
  cairn_heap_unlock(heap);
  return bytes;
}

void cairn_external_gone(cairn_heap *heap, cairn_object *object) {
  give_back(heap, object, UINT64_MAX);
}

void cairn_external_table_free(cairn_heap *heap) {
  struct cairn_external_table *table = heap->external_table;
  if (table == NULL) return;
  heap->external_table = NULL;
  cairn_metadata_unmap(heap, table, table->bytes);
}

const char *cairn_external_check(const cairn_heap *heap) {
  const struct cairn_external_table *table = heap->external_table;
  uint64_t sum = 0;
  uint32_t count = 0;
  for (uint32_t i = 0; table != NULL && i < table->capacity; i++) {
    const struct cairn_external *entry = &table->entries[i];
    if (entry->object == NULL) continue;
    count++;
    sum += entry->bytes;
    if (find(table, entry->object) != entry) return "an entry of external bytes can't be found";
    if ((entry->object->header & CAIRN_STATE(EXTERNAL)) == 0) {
      return "an object with external bytes does not know of them";
    }
  }
  bool right = sum == heap->external_bytes && (table == NULL || count == table->count);
  return right ? NULL : "the heap's external_bytes are wrong";
}
