/* Weak slots: a table that finds the weak slots of a target, and the target of a slot.
 *
 * The table has a mapping of its own: a head, two arrays of chain heads (hashed by target and by
 * slot address), and the entries, all of the same capacity.  An entry is one weak slot that is not
 * NULL.  The chains of targets are linked both ways, so that a slot is forgotten in constant time
 * however many slots its target has; a slot is in one entry, so its chain is short.
 *
 * A weak slot of an ordinary heap may refer to a shared object.  The entry is then in the table of
 * the shared heap, under that heap's lock.  A slot must not be read while the object that it names
 * goes away in another thread: as long as there are such slots in the process, whoever reads or
 * changes a weak slot, and whoever decides that an object with weak slots dies, does it under
 * `sharing_lock`.  It is taken last, after any heap's lock, and nothing else is done under it.
 *
 * Invariants:
 *  - An entry's slot holds its target, a live object, whose header has state.weakly.  (In shared
 *    heaps it may hold a newer target, of whose entry the old one does not know yet.)
 *  - A live object without an entry does not have state.weakly.
 *  - An immortal object is never written to: it has entries, for the end of its heap, but no state.
 *  - Only cairn_weak_set takes memory: dying, clearing and collecting never do.
 *
 * What this is not: the weakref object (weakref.c), which is one user of it.
 */
#include "slots.h"
#include "tracking.h"

enum {
  CAPACITY_MIN = 64,    /* a power of two, as each capacity is */
  CAPACITY_KEPT = 4096, /* an empty table above it goes back to the system */
  MAPPING_GRAIN = 4096
};

/* Entries are named by index + 1; 0 is none. */
struct entry {
  cairn_object *target;
  cairn_word *slot;
  uint32_t target_next, target_previous; /* in the chain of the target's hash */
  uint32_t slot_next;                    /* in the chain of the slot's hash; free: the next free */
  uint32_t reserved;
};

struct cairn_weak_table {
  CAIRN_LAYOUT_WEAK_TABLE(CAIRN_LAYOUT_DECLARE)
  /* private from here on */
  uint32_t free_head;
  uint32_t fresh; /* entries above it were never used */
  uint32_t *target_heads, *slot_heads;
  struct entry *entries;
};

static pthread_mutex_t sharing_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t sharing_count; /* entries in the tables of shared heaps */

/* True when there may be weak slots that other threads clear; what they did is seen then. */
static bool is_sharing(void) { return __atomic_load_n(&sharing_count, __ATOMIC_ACQUIRE) != 0; }

static uint32_t hash(const struct cairn_weak_table *table, const void *address) {
  uint64_t mixed = (uint64_t)(uintptr_t)address * 0x9e3779b97f4a7c15ull;
  return (uint32_t)(mixed >> 32) & (table->capacity - 1);
}

static struct entry *entry_at(const struct cairn_weak_table *table, uint32_t name) {
  return &table->entries[name - 1];
}

/* The entry of the slot, or 0. */
static uint32_t find(const struct cairn_weak_table *table, const cairn_word *slot) {
  if (table == NULL) return 0;
  uint32_t name = table->slot_heads[hash(table, slot)];
  while (name != 0 && entry_at(table, name)->slot != slot) name = entry_at(table, name)->slot_next;
  return name;
}

static void link_target(struct cairn_weak_table *table, uint32_t name, cairn_object *target) {
  struct entry *entry = entry_at(table, name);
  uint32_t *head = &table->target_heads[hash(table, target)];
  entry->target = target;
  entry->target_previous = 0;
  entry->target_next = *head;
  if (*head != 0) entry_at(table, *head)->target_previous = name;
  *head = name;
  if (!cairn_is_immortal(target)) cairn_header_set(target, CAIRN_STATE(WEAKLY));
}

static void unlink_target(struct cairn_weak_table *table, uint32_t name) {
  const struct entry *entry = entry_at(table, name);
  uint32_t *head = &table->target_heads[hash(table, entry->target)];
  if (entry->target_next != 0) {
    entry_at(table, entry->target_next)->target_previous = entry->target_previous;
  }
  if (entry->target_previous != 0) {
    entry_at(table, entry->target_previous)->target_next = entry->target_next;
  } else {
    *head = entry->target_next;
  }
}

/* Takes the state bit from an object that no entry names any more. */
static void refresh_weakly(const struct cairn_weak_table *table, cairn_object *target) {
  uint32_t name = table->target_heads[hash(table, target)];
  while (name != 0 && entry_at(table, name)->target != target) {
    name = entry_at(table, name)->target_next;
  }
  if (name == 0 && !cairn_is_immortal(target)) cairn_header_clear(target, CAIRN_STATE(WEAKLY));
}

static void add(struct cairn_weak_table *table, cairn_word *slot, cairn_object *target) {
  uint32_t name = table->free_head;
  if (name != 0) {
    table->free_head = entry_at(table, name)->slot_next;
  } else {
    name = ++table->fresh;
  }
  struct entry *entry = entry_at(table, name);
  uint32_t *head = &table->slot_heads[hash(table, slot)];
  entry->slot = slot;
  entry->slot_next = *head;
  *head = name;
  table->count++;
  link_target(table, name, target);
}

static void drop(struct cairn_weak_table *table, uint32_t name) {
  struct entry *entry = entry_at(table, name);
  unlink_target(table, name);
  uint32_t *link = &table->slot_heads[hash(table, entry->slot)];
  while (*link != name) link = &entry_at(table, *link)->slot_next;
  *link = entry->slot_next;
  entry->target = NULL;
  entry->slot = NULL;
  entry->slot_next = table->free_head;
  table->free_head = name;
  table->count--;
}

/* ---- the mapping ----------------------------------------------------------------------------- */

static size_t mapping_bytes(uint32_t capacity) {
  size_t bytes = sizeof(struct cairn_weak_table) +
                 (size_t)capacity * (sizeof(struct entry) + 2 * sizeof(uint32_t));
  return (bytes + MAPPING_GRAIN - 1) / MAPPING_GRAIN * MAPPING_GRAIN;
}

static struct cairn_weak_table *table_lay_out(void *memory, uint32_t capacity) {
  struct cairn_weak_table *table = memory;
  table->bytes = mapping_bytes(capacity);
  table->capacity = capacity;
  table->entries = (struct entry *)(void *)(table + 1);
  table->target_heads = (uint32_t *)(void *)(table->entries + capacity);
  table->slot_heads = table->target_heads + capacity;
  return table;
}

static bool has_room(const struct cairn_weak_table *table) {
  return table != NULL && table->count < table->capacity;
}

/* Makes room for one entry more.  May collect, and so run finalizers that use the table. */
static bool reserve(cairn_heap *heap) {
  while (!has_room(heap->weak_table)) {
    const struct cairn_weak_table *before = heap->weak_table;
    uint32_t capacity = before == NULL ? CAPACITY_MIN : 2 * before->capacity;
    if (capacity == 0) return false;
    void *memory = cairn_metadata_map(heap, mapping_bytes(capacity));
    if (memory == NULL) return has_room(heap->weak_table);
    struct cairn_weak_table *full = heap->weak_table;
    if (has_room(full) || (full != NULL && full->capacity >= capacity)) {
      cairn_metadata_unmap(heap, memory, mapping_bytes(capacity));
      continue;
    }
    struct cairn_weak_table *table = table_lay_out(memory, capacity);
    for (uint32_t name = 1; full != NULL && name <= full->fresh; name++) {
      const struct entry *entry = entry_at(full, name);
      if (entry->slot != NULL) add(table, entry->slot, entry->target);
    }
    heap->weak_table = table;
    if (full != NULL) cairn_metadata_unmap(heap, full, full->bytes);
  }
  return true;
}

static void release_empty(cairn_heap *heap) {
  struct cairn_weak_table *table = heap->weak_table;
  if (table->count != 0 || table->capacity <= CAPACITY_KEPT) return;
  cairn_weak_table_free(heap);
}

void cairn_weak_table_free(cairn_heap *heap) {
  struct cairn_weak_table *table = heap->weak_table;
  if (table == NULL) return;
  heap->weak_table = NULL;
  cairn_metadata_unmap(heap, table, table->bytes);
}

/* ---- deaths ---------------------------------------------------------------------------------- */

/* Drops an entry of the heap's table, whose slot says nothing of its target any more. */
static void drop_from(cairn_heap *heap, uint32_t name) {
  drop(heap->weak_table, name);
  if (heap->shared != 0) __atomic_fetch_sub(&sharing_count, 1, __ATOMIC_RELEASE);
}

/* Clears the slot of an entry, unless it got another target meanwhile. */
static void clear_slot(const struct entry *entry) {
  if (*entry->slot == (uint64_t)(uintptr_t)entry->target) *entry->slot = 0;
  CAIRN_ORDER();
}

void cairn_weak_target_gone(cairn_heap *heap, cairn_object *target) {
  struct cairn_weak_table *table = heap->weak_table;
  uint32_t name = table->target_heads[hash(table, target)];
  while (name != 0) {
    const struct entry *entry = entry_at(table, name);
    uint32_t next = entry->target_next;
    if (entry->target == target) {
      clear_slot(entry);
      drop_from(heap, name);
    }
    name = next;
  }
  cairn_header_clear(target, CAIRN_STATE(WEAKLY));
  release_empty(heap);
}

bool cairn_weak_target_last(cairn_heap *heap, cairn_object *target) {
  pthread_mutex_lock(&sharing_lock);
  bool last = (__atomic_load_n(&target->header, __ATOMIC_ACQUIRE) & CAIRN_COUNT_MASK) == 1;
  if (last) cairn_weak_target_gone(heap, target);
  pthread_mutex_unlock(&sharing_lock);
  return last;
}

/* Forgets the slot, if the heap's table knows it; what it holds is the caller's to change. */
static void forget(cairn_heap *heap, const cairn_word *word) {
  cairn_heap_lock(heap);
  uint32_t name = find(heap->weak_table, word);
  if (name != 0) {
    cairn_object *target = entry_at(heap->weak_table, name)->target;
    drop_from(heap, name);
    refresh_weakly(heap->weak_table, target);
    release_empty(heap);
  }
  cairn_heap_unlock(heap);
}

void cairn_weak_clear_all(cairn_heap *heap) {
  const struct cairn_weak_table *table = heap->weak_table;
  if (table == NULL) return;
  pthread_mutex_lock(&sharing_lock);
  for (uint32_t name = 1; name <= table->fresh; name++) {
    if (entry_at(table, name)->slot != NULL) clear_slot(entry_at(table, name));
  }
  pthread_mutex_unlock(&sharing_lock);
  if (heap->shared != 0) __atomic_fetch_sub(&sharing_count, table->count, __ATOMIC_RELEASE);
}

/* ---- slots ----------------------------------------------------------------------------------- */

/* Puts `value` into the slot.  Returns the heap of what was there; NULL: nothing. */
static cairn_heap *exchange(cairn_word *word, const cairn_object *value) {
  bool sharing = is_sharing();
  if (sharing) pthread_mutex_lock(&sharing_lock);
  const cairn_object *old = (const cairn_object *)(uintptr_t)*word;
  cairn_heap *heap = old == NULL ? NULL : cairn_object_heap(old);
  *word = (uint64_t)(uintptr_t)value;
  if (sharing) pthread_mutex_unlock(&sharing_lock);
  return heap;
}

void cairn_weak_holder_gone(cairn_heap *heap, cairn_object *holder) {
  struct cairn_cursor cursor;
  cairn_cursor_begin(&cursor, cairn_type_of(heap, holder), holder, CAIRN_SLOT_WEAK);
  cairn_word *word;
  while ((word = cairn_cursor_next(&cursor)) != NULL) {
    cairn_heap *before = exchange(word, NULL);
    if (before != NULL) forget(before, word);
  }
}

/* Enters the slot into the table of the target's heap and fills it.  False when out of memory. */
static bool refer(cairn_heap *heap, cairn_word *word, cairn_object *target, cairn_heap **before) {
  if (find(heap->weak_table, word) == 0 && !reserve(heap)) return false;
  struct cairn_weak_table *table = heap->weak_table;
  uint32_t name = find(table, word); /* reserving may have run code of the program's */
  if (name == 0) {
    if (heap->shared != 0) __atomic_fetch_add(&sharing_count, 1, __ATOMIC_RELAXED);
    add(table, word, target);
  } else {
    cairn_object *old = entry_at(table, name)->target;
    unlink_target(table, name);
    link_target(table, name, target);
    if (old != target) refresh_weakly(table, old);
  }
  CAIRN_ORDER();
  *before = exchange(word, target);
  return true;
}

bool cairn_weak_set(cairn_object *holder, cairn_object **slot, cairn_object *target) {
  const cairn_heap *home = cairn_object_heap(holder);
  cairn_heap_check(home);
  cairn_word *word = (cairn_word *)(void *)slot;
  /* One that is dying already is as good as gone: a child's finalizer may still know its parent. */
  if (target != NULL && (cairn_header_load(target) & CAIRN_STATE(LIVE)) == 0) target = NULL;
  if (target == NULL) {
    cairn_heap *before = exchange(word, NULL);
    if (before != NULL) forget(before, word);
    return true;
  }
  cairn_heap *heap = cairn_object_heap(target);
  assert((heap == home || (heap->shared != 0 && home->shared == 0)) &&
         "a weak slot is to refer to an object of another heap");
  cairn_heap *before = NULL;
  cairn_heap_lock(heap);
  bool done = refer(heap, word, target, &before);
  cairn_heap_unlock(heap);
  if (before != NULL && before != heap) forget(before, word);
  return done;
}

/* A reference to what the slot holds, of which tracking is not told: that takes a heap's lock. */
static cairn_object *get_quietly(cairn_object *const *slot) {
  pthread_mutex_lock(&sharing_lock);
  cairn_object *target = *slot;
  if (target != NULL && !cairn_is_immortal(target)) cairn_shared_retain(target);
  pthread_mutex_unlock(&sharing_lock);
  return target;
}

cairn_object *cairn_weak_get_told(cairn_object *const *slot, struct cairn_call call) {
  if (!is_sharing()) return cairn_retain_told(*slot, call);
  cairn_object *target = get_quietly(slot);
  if (target != NULL && (cairn_header_load(target) & CAIRN_STATE(TRACED)) != 0) {
    (void)cairn_retain_told(target, call);
    cairn_shared_drop(target);
  }
  return target;
}

cairn_object *cairn_weak_get(cairn_object *const *slot) {
  return cairn_weak_get_told(slot, CAIRN_CALL());
}
