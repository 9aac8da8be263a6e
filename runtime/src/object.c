/* Objects of any type, and the buffers that objects own.
 *
 * Invariant: a block becomes an object with one store of its header, after all of it is zeroed: a
 * new object's slots are empty, never stale.  A buffer is a block whose header says `buffer`; the
 * program's pointer is behind that header.
 *
 * What this is not: the allocator (page.c), the end of an object (die.c).
 */
#define CAIRN_OUT_OF_LINE /* cairn_object_new is defined here */
#include "hot.h"
#include "observe.h"

enum { BUFFER_HEADER_BYTES = 8 };

cairn_object *cairn_object_alloc(cairn_heap *heap, uint32_t type, size_t bytes) {
  cairn_heap_check(heap);
  cairn_heap_lock(heap);
  cairn_object *object = cairn_block_new(heap, bytes);
  if (object != NULL) {
    cairn_object_publish(object, cairn_plan_at(heap, type)->header);
    if ((heap->slow & CAIRN_SLOW_TOLD) != 0) cairn_observe_made(heap, object);
  }
  cairn_heap_unlock(heap);
  return object;
}

cairn_object *cairn_object_at_hand(cairn_heap *heap, uint32_t type, size_t bytes) {
  cairn_heap_check(heap);
  cairn_object *object = cairn_block_at_hand(heap, bytes);
  if (object == NULL) return NULL;
  cairn_object_publish(object, cairn_plan_at(heap, type)->header);
  if ((heap->slow & CAIRN_SLOW_TOLD) != 0) cairn_observe_made(heap, object);
  return object;
}

/* A block of its row, or found the slow way; it is not zeroed. */
static void *take_block(cairn_heap *heap, size_t bytes) {
  cairn_observe_look(heap);
  if (bytes <= CAIRN_SMALL_MAX_BYTES) { /* an observed type has no row for its plan to know */
    struct cairn_hot *row = &heap->hot_rows[cairn_size_class_of(bytes)];
    uint64_t ready = cairn_hot_count(row);
    if (ready != 0) return cairn_hot_pop(row, ready);
  }
  return cairn_block_find(heap, bytes);
}

/* The row is empty, or the type has none. */
__attribute__((noinline)) static cairn_object *new_slowly(cairn_heap *heap, cairn_type type) {
  if (type == 0) return NULL;
  cairn_heap_lock(heap);
  cairn_object *object = take_block(heap, cairn_type_at(heap, type)->size_bytes);
  if (object != NULL) {
    const struct cairn_plan *plan = cairn_plan_at(heap, type);
    if (plan->zero_bytes != 0) cairn_block_zero(object, plan->zero_bytes);
    cairn_object_publish(object, plan->header);
    if ((heap->slow & CAIRN_SLOW_TOLD) != 0) cairn_observe_made(heap, object);
  }
  cairn_heap_unlock(heap);
  return object;
}

/* Out of line, so that the way of small objects calls nothing. */
__attribute__((noinline)) static cairn_object *publish_large(cairn_object *object,
                                                             const struct cairn_plan *plan) {
  cairn_large_zero(object, plan->zero_bytes);
  cairn_object_publish(object, plan->header);
  return object;
}

cairn_object *cairn_object_new_slow_(cairn_heap *heap, cairn_type type) {
  cairn_heap_check(heap);
  assert(type < cairn_type_count(heap));
  const struct cairn_plan *plan = cairn_plan_at(heap, type);
  uint64_t ready = cairn_hot_count(plan->source);
  if (CAIRN_UNLIKELY(ready == 0)) return new_slowly(heap, type);
  cairn_object *object = cairn_hot_pop(plan->source, ready);
  if (CAIRN_UNLIKELY(plan->zero_bytes > 256)) return publish_large(object, plan);
  if (plan->zero_bytes != 0) cairn_block_zero(object, plan->zero_bytes);
  cairn_object_publish(object, plan->header);
  return object;
}

cairn_object *cairn_object_new(cairn_heap *heap, cairn_type type) {
  return cairn_object_new_slow_(heap, type);
}

cairn_object *cairn_object_new_tail(cairn_heap *heap, cairn_type type, size_t tail_count) {
  assert(type < cairn_type_count(heap));
  if (type == 0) return NULL;
  const struct cairn_type *description = cairn_type_at(heap, type);
  size_t item_bytes = description->tail_item_bytes;
  if (item_bytes != 0 && tail_count > (SIZE_MAX - description->size_bytes) / item_bytes) {
    return NULL;
  }
  return cairn_object_alloc(heap, type, description->size_bytes + tail_count * item_bytes);
}

cairn_heap *cairn_object_heap(const cairn_object *object) { return cairn_arena_of(object)->heap; }

const char *cairn_object_type_name(const cairn_object *object) {
  return cairn_type_of(cairn_object_heap(object), object)->name;
}

size_t cairn_object_size(const cairn_object *object) { return cairn_block_size(object); }

/* ---- buffers --------------------------------------------------------------------------------- */

static void *buffer_block(const void *buffer) {
  return (char *)(uintptr_t)buffer - BUFFER_HEADER_BYTES;
}

void *cairn_buffer_new(cairn_heap *heap, size_t bytes) {
  if (bytes > SIZE_MAX - BUFFER_HEADER_BYTES) return NULL;
  cairn_heap_check(heap);
  cairn_heap_lock(heap);
  char *block = cairn_block_new(heap, bytes + BUFFER_HEADER_BYTES);
  if (block != NULL) cairn_block_publish(heap, block, CAIRN_STATE(LIVE) | CAIRN_STATE(BUFFER));
  cairn_heap_unlock(heap);
  return block == NULL ? NULL : block + BUFFER_HEADER_BYTES;
}

void cairn_buffer_free(void *buffer) {
  if (buffer == NULL) return;
  void *block = buffer_block(buffer);
  assert((((cairn_object *)block)->header & CAIRN_STATE(BUFFER)) != 0);
  cairn_heap *heap = cairn_arena_of(block)->heap;
  cairn_heap_check(heap);
  cairn_heap_lock(heap);
  cairn_block_free(heap, block);
  cairn_heap_unlock(heap);
}

size_t cairn_buffer_size(const void *buffer) {
  return cairn_block_size(buffer_block(buffer)) - BUFFER_HEADER_BYTES;
}
