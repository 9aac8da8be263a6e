/* Interned strs: the heap's table of them, a set that runtime_slots holds.
 *
 * Invariant: state.interned is set exactly in the strs of that set.  The set owns one reference to
 * each; a str with no other is dropped by the next sweep. */
#include "builtin.h"
#include "cairn/set.h"
#include "cairn/str.h"
#include "tracking.h"

static struct cairn_mapping *intern_table(const cairn_heap *heap) {
  return (struct cairn_mapping *)heap->runtime_slots[CAIRN_RUNTIME_SLOT_INTERN];
}

static struct cairn_row *intern_find(const cairn_heap *heap, const char *utf8, size_t bytes) {
  uint64_t hash = cairn_hash_text(heap->hash_seed, utf8, bytes);
  return cairn_table_find_text(intern_table(heap)->table, hash, utf8, bytes);
}

static cairn_object *intern(cairn_heap *heap, const char *utf8, size_t bytes,
                            struct cairn_call call) {
  struct cairn_row *row = intern_find(heap, utf8, bytes);
  if (row != NULL) return cairn_retain_told(row->key, call);
  if (cairn_table_is_full(intern_table(heap)->table)) cairn_intern_sweep(heap);
  cairn_object *str = cairn_str_new(heap, utf8, bytes);
  if (str == NULL) return NULL;
  if (!cairn_set_add(&intern_table(heap)->base, str)) {
    cairn_release(str);
    return NULL;
  }
  /* Allocating may have run code that interned this text: then its str is the one. */
  row = intern_find(heap, utf8, bytes);
  if (row->key == str) {
    cairn_header_set(str, CAIRN_STATE(INTERNED));
  } else {
    cairn_release(str);
    str = cairn_retain_told(row->key, call);
  }
  return str;
}

cairn_object *cairn_str_intern(cairn_heap *heap, const char *utf8, size_t bytes) {
  cairn_heap_check(heap);
  cairn_heap_lock(heap);
  cairn_object *str = intern(heap, utf8, bytes, CAIRN_CALL());
  cairn_heap_unlock(heap);
  return str;
}

void cairn_intern_sweep(cairn_heap *heap) {
  struct cairn_mapping *mapping = intern_table(heap);
  if (mapping == NULL) return;
  size_t position = 0;
  const struct cairn_row *row;
  while ((row = cairn_table_next_(mapping->table, CAIRN_ROW_WORDS_SET_, &position)) != NULL) {
    if (cairn_refcount(row->key) > 1) continue;
    cairn_header_clear(row->key, CAIRN_STATE(INTERNED));
    cairn_table_remove(mapping, (struct cairn_row *)(uintptr_t)row);
  }
}
