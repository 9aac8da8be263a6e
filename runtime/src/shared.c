/* Shared heaps: objects that all threads use, with atomic counts.
 *
 * The memory of a shared heap (blocks, types, the weak table, the intern table) is guarded by the
 * heap's lock, which is recursive, so that a finalizer may allocate and release.  Counts are not:
 * retain is an atomic addition, release an atomic subtraction, unless it is the last one.
 *
 * Invariants:
 *  - A count that is 1 is raised only by its owner, or under the lock: by the intern table.  Weak
 *    slots raise it under the lock of weak.c, under which they are cleared first.  So whoever owns
 *    the one reference and finds 1 under the lock is the last; the count never shows 0.
 *  - Each object carries state.shared and state.acyclic: ordinary collections never look at it.
 *  - A slot of a shared heap's object holds objects of the same heap.  So no cascade of deaths goes
 *    from one shared heap into another, and a thread needs one heap's lock at a time.
 *  - A count that saturates goes to the middle of the range above 2^31: whatever other threads
 *    that saw it before still add can't bring it back.
 *
 * What this is not: the lock of what an object holds.  Shared objects do not change, or the program
 * guards them.
 */
#include "slots.h"

#define COUNT_SATURATED_MIDDLE 0xc0000000ull

bool cairn_shared_init(cairn_heap *heap) {
  pthread_mutexattr_t attributes;
  if (pthread_mutexattr_init(&attributes) != 0) return false;
  bool made = pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE) == 0 &&
              pthread_mutex_init(&heap->lock, &attributes) == 0;
  pthread_mutexattr_destroy(&attributes);
  if (!made) return false;
  heap->shared = 1;
  heap->object_states = CAIRN_STATE(SHARED) | CAIRN_STATE(ACYCLIC);
  cairn_heap_slow_set(heap, CAIRN_SLOW_SHARED, true);
  return true;
}

void cairn_shared_free(cairn_heap *heap) {
  cairn_weak_clear_all(heap);
  pthread_mutex_destroy(&heap->lock);
}

/* ---- counts ---------------------------------------------------------------------------------- */

static void saturate(cairn_object *object) {
  uint64_t header = cairn_header_load(object);
  uint64_t saturated;
  do {
    saturated = (header & ~CAIRN_COUNT_MASK) | COUNT_SATURATED_MIDDLE;
  } while (!__atomic_compare_exchange_n(&object->header, &header, saturated, true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED));
}

void cairn_shared_retain(cairn_object *object) {
  uint64_t header = __atomic_add_fetch(&object->header, 1, __ATOMIC_RELAXED);
  if ((header & CAIRN_COUNT_SATURATED) != 0) saturate(object);
}

/* Takes one from the count and `states` from the state, unless it is the last.  True when done. */
static bool drop(cairn_object *object, uint64_t states) {
  uint64_t header = cairn_header_load(object);
  do {
    if ((header & CAIRN_COUNT_SATURATED) != 0) return true;
    if ((header & CAIRN_COUNT_MASK) <= 1) return false;
  } while (!__atomic_compare_exchange_n(&object->header, &header, (header & ~states) - 1, true,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED));
  return true;
}

void cairn_shared_drop(cairn_object *object) {
  bool dropped = drop(object, 0);
  assert(dropped);
  (void)dropped;
}

void cairn_shared_release(cairn_object *object) {
  bool dropped = drop(object, 0);
  if (dropped) return;
  cairn_heap *heap = cairn_object_heap(object);
  cairn_heap_lock(heap);
  while (!dropped) {
    if (cairn_shared_is_last(heap, object)) {
      cairn_object_die_(object);
      dropped = true;
    } else {
      dropped = drop(object, 0);
    }
  }
  cairn_heap_unlock(heap);
}

void cairn_shared_unhold(cairn_heap *heap, cairn_object *object) {
  cairn_heap_lock(heap);
  if (!drop(object, CAIRN_STATE(HELD))) {
    cairn_header_clear(object, CAIRN_STATE(HELD));
    cairn_shared_release(object);
  }
  cairn_heap_unlock(heap);
}

bool cairn_shared_is_last(cairn_heap *heap, cairn_object *object) {
  if (cairn_object_heap(object) != heap) return false;
  uint64_t header = __atomic_load_n(&object->header, __ATOMIC_ACQUIRE);
  if ((header & CAIRN_COUNT_MASK) != 1) return false;
  return (header & CAIRN_STATE(WEAKLY)) == 0 || cairn_weak_target_last(heap, object);
}

/* ---- collecting ------------------------------------------------------------------------------ */

uint64_t cairn_shared_collect(cairn_heap *heap) {
  cairn_heap_lock(heap);
  uint64_t deaths_before = cairn_counts_of(heap).death_count;
  if (heap->ready && heap->release_depth == 0) cairn_intern_sweep(heap);
  uint64_t freed_count = cairn_counts_of(heap).death_count - deaths_before;
  cairn_heap_unlock(heap);
  return freed_count;
}

/* Immortal objects are never written to, whatever the heap is at the moment. */
static void make_ordinary(cairn_object *object, void *context) {
  const cairn_heap *heap = context;
  if (cairn_is_immortal(object)) return;
  object->header &= ~CAIRN_STATE(SHARED);
  if ((cairn_type_of(heap, object)->flags & CAIRN_TYPE_FLAG_ACYCLIC) == 0) {
    object->header = (object->header & ~CAIRN_STATE(ACYCLIC)) | CAIRN_STATE(TELL);
  }
}

static void make_shared(cairn_object *object, void *context) {
  cairn_heap *heap = context;
  if (cairn_is_immortal(object)) return;
  if ((object->header & CAIRN_STATE(CANDIDATE)) != 0) {
    object->header &= ~CAIRN_STATE(CANDIDATE);
    cairn_candidate_forget(heap, object);
  }
  object->header |= CAIRN_STATE(SHARED) | CAIRN_STATE(ACYCLIC);
  object->header &= ~CAIRN_STATE(TELL);
}

uint64_t cairn_collect_exclusive(cairn_heap *heap) {
  cairn_heap_check(heap);
  if (heap->shared == 0) return cairn_collect(heap);
  cairn_heap_lock(heap);
  uint64_t freed_count = 0;
  if (heap->object_states != 0 && heap->release_depth == 0) {
    uint64_t states = heap->object_states;
    cairn_heap_walk(heap, make_ordinary, heap);
    heap->object_states = 0;
    freed_count = cairn_collect(heap);
    heap->object_states = states;
    cairn_heap_walk(heap, make_shared, heap);
  }
  cairn_heap_unlock(heap);
  return freed_count;
}

/* ---- other heaps' references ----------------------------------------------------------------- */

/* True when a live object of the heap begins at `address`. */
static bool has_object(cairn_heap *heap, const void *address) {
  const struct cairn_arena *arena = heap->arenas;
  while (arena != NULL && arena != cairn_arena_of(address)) arena = arena->next;
  if (arena == NULL) return false;
  const struct cairn_page *page = cairn_page_of(address);
  if (page->kind != CAIRN_PAGE_BLOCKS && page->kind != CAIRN_PAGE_LARGE) return false;
  uintptr_t offset = ((uintptr_t)address - (uintptr_t)arena) & (arena->page_bytes - 1);
  if (offset % page->block_bytes != 0 || offset / page->block_bytes >= page->fresh) return false;
  const uint64_t states = CAIRN_STATE(LIVE) | CAIRN_STATE(BUFFER);
  return (cairn_header_load(address) & states) == CAIRN_STATE(LIVE);
}

static bool visit_heap(cairn_heap *heap, void *context) {
  if (heap->shared == 0) return false;
  cairn_heap_lock(heap);
  bool found = has_object(heap, context);
  cairn_heap_unlock(heap);
  return found;
}

bool cairn_shared_has_object(const void *address) {
  return cairn_registry_find(visit_heap, (void *)(uintptr_t)address);
}

static void release_of_other(cairn_object *child, void *context) {
  if (cairn_object_heap(child) != context) cairn_release(child);
}

/* Empties the words of one object that hold objects of other heaps.  What an opaque type holds is
 * released as it is: nothing looks at the object again. */
static void let_go(cairn_object *object, void *context) {
  cairn_heap *heap = context;
  const struct cairn_type *type = cairn_type_of(heap, object);
  if ((type->flags & CAIRN_TYPE_FLAG_HAS_WEAK) != 0) cairn_weak_holder_gone(heap, object);
  struct cairn_cursor cursor;
  cairn_cursor_begin(&cursor, type, object, CAIRN_SLOT_STRONG);
  cairn_word *word;
  while ((word = cairn_cursor_next(&cursor)) != NULL) {
    cairn_object *child = cairn_word_object(cursor.slot, *word);
    if (child == NULL || cairn_object_heap(child) == heap) continue;
    *word = 0;
    CAIRN_ORDER();
    cairn_release_for_slot_(child, object);
  }
  if (type->traverse != NULL) cairn_type_traverser(type)(object, release_of_other, heap);
}

static bool is_shared(cairn_heap *heap, void *context) {
  (void)context;
  return heap->shared != 0;
}

void cairn_shared_let_go(cairn_heap *heap) {
  if (heap->shared == 0 && cairn_registry_find(is_shared, NULL)) {
    cairn_heap_walk(heap, let_go, heap);
  }
}
