/* What the files of the runtime say to each other.  Nothing outside runtime/src includes it.
 *
 * Files, in the way of the calls (each calls only downwards):
 *   builtin.h  the built-in types: scalar.c, str.c, list.c, ..., one a file; table.c and compare.c,
 *              which several of them use; intern.c; builtin.c, which makes those of a new heap
 *   due.c      when to collect                object.c   native objects, buffers
 *   collect.c  the cycle collector (collect.h lists its files)
 *   candidate.c  objects whose count was dropped   weak.c     weak slots
 *   count.c    retain and release of objects whose count is not plain
 *   shared.c   heaps and objects of all threads      owner.c    which thread a heap belongs to
 *   share_copy.c   copies from one heap to another   slots.c   walking an object's declared slots
 *   die.c      release without recursion; spans.h, pairs.h  the shortest ways through a death
 *   type.c     types as data; type_check.c; plan.c  what they come down to
 *   heap.c     making, limits, numbers; leak.c  what is left at the end
 *   hot.c      blocks                         page.c     pages of one size class; size_class.c
 *   arena.c    segments                       walk.c, validate.c   walking a heap, checking it
 *   external.c   bytes outside the heap       limit.c, group.c   how much may be taken
 *   chunk.c    metadata memory                system.c   the system's memory
 *   track.c    tracking (tracking.h lists its files); observe.c  who listens to the probes
 *   contract_export.c  the root record, the note, the registry of heaps
 */
#ifndef CAIRN_INTERNAL_H
#define CAIRN_INTERNAL_H

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "cairn/heap.h"
#include "call.h"
#include "layout.h"

/* The stored enumerations, as CAIRN_PAGE_FREE and the like. */
#define CAIRN_ENUM_FLUX(NAME, name, value)         CAIRN_FLUX_##NAME = (value),
#define CAIRN_ENUM_PAGE(NAME, name, value)         CAIRN_PAGE_##NAME = (value),
#define CAIRN_ENUM_DISPLAY(NAME, name, value)      CAIRN_DISPLAY_##NAME = (value),
#define CAIRN_ENUM_TYPE_FLAG(NAME, name, value)    CAIRN_TYPE_FLAG_##NAME = (value),
#define CAIRN_ENUM_RUNTIME_SLOT(NAME, name, value) CAIRN_RUNTIME_SLOT_##NAME = (value),
enum { CAIRN_FLUX_KINDS(CAIRN_ENUM_FLUX) };
enum { CAIRN_PAGE_KINDS(CAIRN_ENUM_PAGE) };
enum { CAIRN_DISPLAY_KINDS(CAIRN_ENUM_DISPLAY) };
enum { CAIRN_TYPE_FLAGS(CAIRN_ENUM_TYPE_FLAG) };
enum { CAIRN_RUNTIME_SLOT_NAMES(CAIRN_ENUM_RUNTIME_SLOT) };

/* The first type index that no built-in type has (type.h lists those). */
#define CAIRN_BUILTIN_ONE(NAME, name) +1
enum { CAIRN_TYPE_FIRST_USER = 1 CAIRN_BUILTINS(CAIRN_BUILTIN_ONE) };

enum { CAIRN_PAGE_BLOCKS_MAX = CAIRN_PAGE_BYTES / CAIRN_BLOCK_MIN_BYTES };

/* An arena, at a multiple of CAIRN_ARENA_BYTES.  Its first page holds this and the page table.  A
 * huge arena holds one block that fits in no ordinary one: its pages are larger, so that the table
 * still fits in the first, and the block starts on its second page. */
struct cairn_arena {
  CAIRN_LAYOUT_ARENA(CAIRN_LAYOUT_DECLARE)
  /* private from here on */
  struct cairn_arena *room_next, *room_previous; /* arenas with free pages (ordinary ones) */
  uint64_t free_pages[CAIRN_ARENA_PAGES / 64];   /* a bit a free page (ordinary ones) */
  /* a bit a page that has ... */
  uint64_t with_candidates[CAIRN_ARENA_PAGES / 64]; /* or had: candidates (candidate.c) */
  uint64_t gathered[CAIRN_ARENA_PAGES / 64];        /* members of the collector's set */
  uint64_t special[CAIRN_ARENA_PAGES / 64];         /* members whose death takes more than memory */
  uint32_t idle_pages; /* BLOCKS pages whose blocks are all free (page.c) */
  bool in_room;
  /* Of each block that starts in the first CAIRN_ARENA_PAGES pages of ordinary size: the size
   * class; CAIRN_SIZE_CLASSES for large ones.  What a free leaf's address leads to (page.c). */
  uint8_t size_classes[CAIRN_ARENA_PAGES];
};

/* Which numbers arenas have. */
struct cairn_arena_numbers {
  struct cairn_arena **arenas; /* NULL: the number is free */
  uint32_t capacity, lowest_free;
};

/* heap->slow.  What closes the rows is set with cairn_heap_slow_set alone; the rest is observe.c's,
 * and a debugger's. */
#define CAIRN_ENUM_SLOW(NAME, name, value) CAIRN_SLOW_##NAME = (value),
enum {
  CAIRN_HEAP_SLOW(CAIRN_ENUM_SLOW) CAIRN_SLOW_CLOSED =
      CAIRN_SLOW_PRESSED | CAIRN_SLOW_TRACKED | CAIRN_SLOW_SHARED,
  CAIRN_SLOW_TOLD = CAIRN_SLOW_TRACKED | CAIRN_SLOW_OBSERVED /* of each object */
};

/* page.flags */
enum {
  CAIRN_PAGE_FLAG_ZERO = 1 /* memory above `fresh` is untouched since it was mapped: all 0 */
};

struct cairn_heap {
  CAIRN_LAYOUT_HEAP(CAIRN_LAYOUT_DECLARE) /* begins as struct cairn_front does */
  /* private from here on */
  struct cairn_plan *plans_plain;                     /* for `plans`, while it is not observed */
  struct cairn_page *class_pages[CAIRN_SIZE_CLASSES]; /* pages with room, hottest first */
  uint64_t aside_made_count;  /* blocks that were handed out so far, past the rows */
  uint64_t buffer_made_count; /* buffers that were made so far */
  uint64_t metadata_bytes;
  uint64_t side_bytes; /* of all arenas */
  uint64_t collect_last_ns, collect_longest_ns;
  /* limit.c */
  enum cairn_limit_kind refusal;            /* why the last mapping was refused */
  uint64_t forced_work_at, forced_bytes_at; /* when the last forced collection ended */
  bool forced_in_vain, soft_due, soft_told;
  cairn_near_limit_fn near_limit;
  void *near_limit_context;
  struct cairn_arena *room_arenas;  /* arenas with both used and free pages */
  struct cairn_arena *empty_arenas; /* linked through room_next; not among room_arenas */
  uint32_t empty_arena_count;
  struct cairn_arena_numbers numbers;
  uint64_t page_count, page_free_count; /* of all arenas; meta pages are counted in page_count */
  uint64_t meta_page_bytes;             /* of all arenas */
  /* automatic collection (due.c): what the counters said after the last one */
  uint64_t collect_threshold, collect_allocated_at, collect_bytes_at;
  /* gather.c: which way the next walk over all objects goes, and how many of them were members when
   * that way, or the other, was last gone, in 1024ths */
  bool gather_backward;
  uint32_t gather_shares[2];
  uint32_t collect_full_left; /* full ones to come: a linear walk was found to be cheaper */
  uint32_t release_depth;     /* nesting of cascades through finalizers */
  cairn_object *parked_head;  /* deaths put off because they were nested too deep (die.c) */
  bool destroying, in_near_limit;
  bool ready;         /* cairn_heap_new is done: collecting is allowed */
  uint64_t hash_seed; /* of hashes (compare.c), the same in all heaps */
  /* threads (owner.c, shared.c) */
  uint64_t owner;         /* the thread that uses the heap; 0: the next one.  Debug builds only */
  uint64_t object_states; /* of new objects: SHARED and ACYCLIC in a shared heap */
  pthread_mutex_t lock;   /* of a shared heap, recursive */
  struct cairn_hot hot_rows[CAIRN_SIZE_CLASSES + 1]; /* the last is always empty and full */
};

_Static_assert(offsetof(struct cairn_heap, plans) == offsetof(struct cairn_front, plans),
               "programs look for the plans where a heap begins");

/* ---- owner.c: which thread a heap belongs to ------------------------------------------------- */
/* Debug builds: aborts with a message when an ordinary heap belongs to another thread. */
#ifdef NDEBUG
#define cairn_heap_check(heap) ((void)(heap))
#else
void cairn_owner_check(cairn_heap *heap, const char *function);
#define cairn_heap_check(heap) cairn_owner_check((cairn_heap *)(uintptr_t)(heap), __func__)
#endif

/* ---- shared.c: heaps and objects of all threads ---------------------------------------------- */
/* Makes a heap a shared one, before it has objects.  False when there is no lock to be had. */
bool cairn_shared_init(cairn_heap *heap);
/* The program is done with the heap: what other heaps' weak slots still say of it is cleared. */
void cairn_shared_free(cairn_heap *heap);
/* Retain and release of an object that is shared and not saturated. */
void cairn_shared_retain(cairn_object *object);
void cairn_shared_release(cairn_object *object);
/* Gives up a reference that is not the last. */
void cairn_shared_drop(cairn_object *object);
/* Gives up the runtime's own hold: as cairn_object_unhold. */
void cairn_shared_unhold(cairn_heap *heap, cairn_object *object);
/* Under the heap's lock: true when the one reference that the caller stands for is the last one of
 * an object of `heap`, and no weak slot leads to it any more. */
bool cairn_shared_is_last(cairn_heap *heap, cairn_object *object);
/* True when `address` is that of a live object of a shared heap.  Believes no pointer. */
bool cairn_shared_has_object(const void *address);
/* What is left in a heap that is being destroyed gives up its references to shared objects. */
void cairn_shared_let_go(cairn_heap *heap);
/* As collect.c, for a shared heap that other threads are using. */
uint64_t cairn_shared_collect(cairn_heap *heap);

/* The lock of a shared heap; nothing for an ordinary one. */
static inline void cairn_heap_lock(const cairn_heap *heap) {
  if (heap->shared != 0) pthread_mutex_lock(&((cairn_heap *)(uintptr_t)heap)->lock);
}
static inline void cairn_heap_unlock(const cairn_heap *heap) {
  if (heap->shared != 0) pthread_mutex_unlock(&((cairn_heap *)(uintptr_t)heap)->lock);
}

/* Changes of the state of a live object.  Other threads may change a shared one's count meanwhile.
 */
static inline void cairn_header_set(cairn_object *object, uint64_t states) {
  uint64_t header = cairn_header_load(object);
  if ((header & CAIRN_STATE(SHARED)) != 0) {
    __atomic_fetch_or(&object->header, states, __ATOMIC_RELAXED);
  } else {
    object->header = header | states;
  }
}
static inline void cairn_header_clear(cairn_object *object, uint64_t states) {
  uint64_t header = cairn_header_load(object);
  if ((header & CAIRN_STATE(SHARED)) != 0) {
    __atomic_fetch_and(&object->header, ~states, __ATOMIC_RELAXED);
  } else {
    object->header = header & ~states;
  }
}

/* ---- system.c: memory from the system -------------------------------------------------------- */
/* Zeroed pages, aligned to `alignment` (0, or a power of two), whatever the limit; NULL: none. */
void *cairn_system_map(size_t bytes, size_t alignment);
/* Advice that the memory will be used from its start on, in one piece: with larger pages of the
 * system's there are fewer of them to be mapped, one by one, and to be looked up. */
void cairn_system_widen(void *memory, size_t bytes);
void cairn_system_unmap(void *memory, size_t bytes);
/* As cairn_system_map, with `below` bytes of address space directly below what is returned: zeroed
 * too, but most of it will stay untouched, and cores leave it out.  Both are unmapped as one. */
void *cairn_system_map_above(size_t below, size_t bytes, size_t alignment);
/* Gives the memory behind address space back; what is read there next is 0. */
void cairn_system_forget(void *memory, size_t bytes);

/* Injected failures, for the tests of this directory: the n-th from now and all after it fail;
 * 0: none.  Not exported from the shared library; not for several threads. */
struct cairn_fault {
  uint64_t map_after;   /* mappings */
  uint64_t block_after; /* blocks, in heaps that cairn_fault_arm was called with or made later */
};
extern struct cairn_fault cairn_fault;
void cairn_fault_arm(cairn_heap *heap);

/* ---- limit.c: what a heap may take ------------------------------------------------------------
 */
/* Memory that limits speak of: as cairn_system_map_above, within them; `bytes` are counted in
 * taken_bytes (not in the counter of what they are for).  NULL leaves in heap->refusal why. */
void *cairn_limit_map(cairn_heap *heap, size_t below, size_t bytes, size_t alignment);
void cairn_limit_unmap(cairn_heap *heap, void *memory, size_t below, size_t bytes);
/* Changes external_bytes, whatever the limits. */
void cairn_limit_external(cairn_heap *heap, int64_t change);
/* True when there is a limit: memory is dearer then than time. */
static inline bool cairn_heap_is_limited(const cairn_heap *heap) {
  return heap->limit_bytes != 0 || heap->soft_limit_bytes != 0 || heap->group != NULL;
}
/* True when what the heap and its group have taken is within their limits. */
bool cairn_limit_is_within(const cairn_heap *heap);
/* Recomputes CAIRN_SLOW_PRESSED after a limit, an external byte or a fault changed. */
void cairn_limit_refresh(cairn_heap *heap);
/* True when a block may be handed out although the heap is pressed. */
bool cairn_limit_press_allows(cairn_heap *heap);
/* Before a block is looked for: does what passing the soft limit asks for. */
void cairn_limit_soft(cairn_heap *heap);
/* What to do when memory could not be had: `attempt` 0 collects, 1 asks near_limit, 2 collects what
 * that dropped.  True: try once more, with attempt + 1; false: give up. */
bool cairn_memory_relieve(cairn_heap *heap, uint64_t wanted_bytes, unsigned attempt);
/* Metadata outside chunks (the weak table): counted, limited, relieved; NULL: out of memory. */
void *cairn_metadata_map(cairn_heap *heap, size_t bytes);
/* The same, counted, but neither limited nor relieved. */
void *cairn_metadata_map_unlimited(cairn_heap *heap, size_t bytes);
void cairn_metadata_unmap(cairn_heap *heap, void *memory, size_t bytes);

/* ---- group.c: one limit over several heaps ----------------------------------------------------
 */
bool cairn_group_is_within(const cairn_group *group);
bool cairn_group_take(cairn_group *group, uint64_t bytes); /* false: its limit says no */
void cairn_group_add(cairn_group *group, uint64_t bytes);  /* whatever its limit */
void cairn_group_give(cairn_group *group, uint64_t bytes);
bool cairn_group_join(cairn_group *group, uint64_t taken_bytes); /* false: its limit says no */
void cairn_group_leave(cairn_group *group, uint64_t taken_bytes);

/* ---- external.c -------------------------------------------------------------------------------
 */
/* The object with state.external dies: gives back what it still keeps. */
void cairn_external_gone(cairn_heap *heap, cairn_object *object);
void cairn_external_table_free(cairn_heap *heap);
/* What is wrong with the table, or NULL. */
const char *cairn_external_check(const cairn_heap *heap);

/* ---- chunk.c: metadata that lives as long as the heap ---------------------------------------- */
/* A heap in its own first chunk, all 0 but for the chunk list and the metadata counter. */
cairn_heap *cairn_chunk_heap_new(void);
/* Gives all chunks back, the heap's own last. */
void cairn_chunk_free_all(cairn_heap *heap);
/* As cairn_chunk_alloc, without collecting or asking near_limit. */
void *cairn_chunk_try(cairn_heap *heap, size_t bytes);
/* Zeroed, 16-byte aligned, never freed on its own; NULL when out of memory. */
void *cairn_chunk_alloc(cairn_heap *heap, size_t bytes);

/* ---- places: arenas and pages by address ----------------------------------------------------- */
static inline struct cairn_arena *cairn_arena_of(const void *address) {
  return (struct cairn_arena *)((uintptr_t)address & ~((uintptr_t)CAIRN_ARENA_BYTES - 1));
}
enum {
  /* Where the page table stands in an arena. */
  CAIRN_PAGE_TABLE_OFFSET = (sizeof(struct cairn_arena) + 63) / 64 * 64
};
static inline struct cairn_page *cairn_arena_page(struct cairn_arena *arena, size_t index) {
  return (struct cairn_page *)(void *)((char *)arena + CAIRN_PAGE_TABLE_OFFSET) + index;
}
/* The page that the *start* of an object or buffer lies in. */
static inline struct cairn_page *cairn_page_of(const void *block) {
  struct cairn_arena *arena = cairn_arena_of(block);
  return cairn_arena_page(arena, ((uintptr_t)block - (uintptr_t)arena) >> arena->page_shift);
}
/* The first byte of a page. */
static inline char *cairn_page_memory(struct cairn_arena *arena, const struct cairn_page *page) {
  return (char *)arena + ((size_t)(page - cairn_arena_page(arena, 0)) << arena->page_shift);
}
/* Where the size class of a block is noted. */
static inline uint8_t *cairn_size_class_at(struct cairn_arena *arena, const void *block) {
  return &arena->size_classes[((uintptr_t)block - (uintptr_t)arena) / CAIRN_PAGE_BYTES];
}
static inline bool cairn_arena_is_huge(const struct cairn_arena *arena) {
  return arena->page_bytes != CAIRN_PAGE_BYTES;
}

/* ---- size_class.c ---------------------------------------------------------------------------- */
/* The class of blocks of at least `bytes` (1 .. CAIRN_SMALL_MAX_BYTES), and its block size. */
uint32_t cairn_size_class_of_larger(size_t bytes); /* than CAIRN_CLASSES_LINEAR_MAX */
enum { CAIRN_CLASSES_LINEAR_MAX = 128 };           /* a class for every 8 bytes up to here */
static inline uint32_t cairn_size_class_of(size_t bytes) {
  assert(bytes > 0 && bytes <= CAIRN_SMALL_MAX_BYTES);
  if (bytes > CAIRN_CLASSES_LINEAR_MAX) return cairn_size_class_of_larger(bytes);
  if (bytes <= CAIRN_BLOCK_MIN_BYTES) return 0;
  return (uint32_t)(bytes + 7) / 8 - CAIRN_BLOCK_MIN_BYTES / 8;
}
uint32_t cairn_size_class_bytes(uint32_t size_class);
/* ceil(2^32 / block size). */
extern const uint32_t cairn_size_class_reciprocals[CAIRN_SIZE_CLASSES];
/* offset / block size, for an offset within a page. */
static inline uint32_t cairn_size_class_index(uint32_t size_class, uint32_t page_offset) {
  assert(size_class < CAIRN_SIZE_CLASSES && page_offset < CAIRN_PAGE_BYTES);
  return (uint32_t)((uint64_t)page_offset * cairn_size_class_reciprocals[size_class] >> 32);
}

/* ---- arena.c: segments and runs of pages ----------------------------------------------------- */
/* `count` adjoining free pages (still FREE; the caller sets them up), mapping an arena where there
 * is none with room.  NULL when the limit or the system says no. */
struct cairn_page *cairn_pages_take(cairn_heap *heap, uint32_t count);
/* Pages that are FREE again go back; an arena that is empty then may go back to the system. */
void cairn_pages_return(cairn_heap *heap, struct cairn_page *first, uint32_t count);
/* A huge arena with a FREE run of pages for one block of `bytes`; `count` of them. */
struct cairn_page *cairn_huge_take(cairn_heap *heap, size_t bytes, uint32_t *count);
void cairn_huge_return(cairn_heap *heap, struct cairn_arena *arena);
/* Gives empty arenas back, and the memory of free pages in the others. */
void cairn_arena_trim(cairn_heap *heap);
void cairn_arena_free_all(cairn_heap *heap);

/* ---- page.c: pages of blocks ------------------------------------------------------------------
 */
/* Takes up to `wanted` free blocks (header 0) of one page of the class, the one to hand out first
 * last in `blocks`.  How many; 0: no page has room and none could be had. */
uint32_t cairn_page_take(cairn_heap *heap, uint32_t size_class, uint32_t wanted, void **blocks);
/* Puts small blocks, whose headers are 0, back into the lists of their pages. */
void cairn_pages_put(cairn_heap *heap, void *const *blocks, size_t count);
/* Gives the pages that only idle blocks keep, and all that is empty then, back to the system. */
void cairn_pages_trim(cairn_heap *heap);
/* A block with pages of its own: header 0, the rest of the first `bytes` zeroed; NULL: no memory.
 */
void *cairn_large_new(cairn_heap *heap, size_t bytes);
void cairn_large_free(cairn_heap *heap, struct cairn_page *page);

/* ---- hot.c: blocks --------------------------------------------------------------------------- */
/* Adds a reason for the slow way, or takes it away.  While there is one no block is kept ready, so
 * each allocation and each free comes by hot.c's slow functions. */
void cairn_heap_slow_set(cairn_heap *heap, uint32_t reason, bool on);
/* Gives the blocks that are kept ready back to their pages, which may go back to the system. */
void cairn_hot_flush(cairn_heap *heap);
/* What the counters of pages and rows come down to.  O(1): a row a size class. */
struct cairn_counts {
  uint64_t object_count; /* live and dying */
  uint64_t used_bytes;   /* of the blocks of objects and buffers */
  uint64_t made_count;   /* blocks that were handed out so far */
  uint64_t death_count;  /* objects that were freed so far */
};
struct cairn_counts cairn_counts_of(const cairn_heap *heap);
/* A block of at least `bytes` (header included): header 0, the rest of the first `bytes` zeroed.
 * Applies the limit, collects when due, calls near_limit.  NULL when out of memory.
 * The caller makes it live with one store of the header (cairn_block_publish). */
void *cairn_block_new(cairn_heap *heap, size_t bytes);
/* As cairn_block_new, for what needs nothing but free blocks that are there: no code of the
 * program's runs.  NULL: it needs more, or the heap is one whose blocks go the slow way. */
void *cairn_block_at_hand(cairn_heap *heap, size_t bytes);
/* Makes the block free: one store of 0; then keeps it ready or gives it back to its page.  Slots
 * must be cleared. */
void cairn_block_free(cairn_heap *heap, void *block);
/* Makes all used blocks of the page free at once, by one store; they are objects that hold nothing.
 * The page may go back to its arena, and that to the system. */
void cairn_page_empty(cairn_heap *heap, struct cairn_page *page);
/* Takes a live block out of the heap's counters without giving its memory back: one store of a
 * header that says neither live nor dying.  It is freed later, with a header of 0. */
void cairn_block_retire(cairn_heap *heap, void *block, uint64_t header);
/* Makes a block that was retired a free one. */
void cairn_block_free_retired(cairn_heap *heap, void *block);
size_t cairn_block_size(const void *block);

/* ---- type.c ---------------------------------------------------------------------------------- */
/* Another thread may be defining one in a shared heap: rows that are there stay as they are, in an
 * array that may be replaced. */
static inline struct cairn_type *cairn_type_at(const cairn_heap *heap, uint32_t index) {
  return __atomic_load_n(&heap->types, __ATOMIC_ACQUIRE)[index];
}
static inline uint32_t cairn_type_count(const cairn_heap *heap) {
  return __atomic_load_n(&heap->type_count, __ATOMIC_ACQUIRE);
}
static inline struct cairn_type *cairn_type_of(const cairn_heap *heap, const cairn_object *object) {
  return cairn_type_at(heap, cairn_type_index(object));
}
/* The type's functions, which its description keeps as addresses; NULL: none. */
typedef void (*cairn_object_fn)(cairn_object *object);
typedef void (*cairn_traverse_fn)(cairn_object *object, cairn_visit_fn visit, void *context);
static inline cairn_object_fn cairn_type_finalizer(const struct cairn_type *type) {
  cairn_object_fn function;
  memcpy(&function, &type->finalize, sizeof function);
  return function;
}
static inline cairn_object_fn cairn_type_clearer(const struct cairn_type *type) {
  cairn_object_fn function;
  memcpy(&function, &type->clear, sizeof function);
  return function;
}
static inline cairn_traverse_fn cairn_type_traverser(const struct cairn_type *type) {
  cairn_traverse_fn function;
  memcpy(&function, &type->traverse, sizeof function);
  return function;
}
/* As cairn_type_define, with the way to show it and flags that a spec cannot say. */
cairn_type cairn_type_define_as(cairn_heap *heap, const cairn_type_spec *spec, uint32_t display,
                                uint32_t flags);
/* What the description comes down to, for making and freeing objects fast, is its plan
 * (cairn/make.h): a dense row beside heap->types, so that a header leads to it with one load. */
/* What dying takes, where the header does not say more. */
enum cairn_death {
  CAIRN_DEATH_GENERAL, /* all that die.c knows */
  CAIRN_DEATH_LEAF,    /* the block goes back */
  CAIRN_DEATH_RUN,     /* the only strong slots are untagged single words, one beside the other */
  CAIRN_DEATH_ROW      /* the only slot is an array, or a tail, of untagged words side by side */
};
static inline const struct cairn_plan *cairn_plan_at(const cairn_heap *heap, uint32_t index) {
  return &__atomic_load_n(&heap->plans, __ATOMIC_ACQUIRE)[index];
}
/* The plan of a type of the heap (plan.c). */
struct cairn_plan cairn_plan_of(cairn_heap *heap, const struct cairn_type *type,
                                bool uninitialized);
/* The same for a heap that is observed: blocks come and go out of line, in the same order. */
struct cairn_plan cairn_plan_observed(cairn_heap *heap, const struct cairn_plan *plain);
/* A new live object of the type in a zeroed block of `bytes`; its count is 1. */
cairn_object *cairn_object_alloc(cairn_heap *heap, uint32_t type, size_t bytes);
/* The same from a block at hand, so that no code of the program's runs; else NULL. */
cairn_object *cairn_object_at_hand(cairn_heap *heap, uint32_t type, size_t bytes);
bool cairn_builtin_types_define(cairn_heap *heap); /* builtin.c: types, singletons, small ints */

/* ---- intern.c -------------------------------------------------------------------------------- */
/* Drops the interned strs that only the intern table holds.  Allocates nothing, runs no finalizer.
 * Called by full collections, and before the table grows. */
void cairn_intern_sweep(cairn_heap *heap);

/* ---- slots.c --------------------------------------------------------------------------------- */
/* Calls `visit` with each strong reference (not NULL) of the object, in field order. */
void cairn_slots_visit(const cairn_heap *heap, cairn_object *object, cairn_visit_fn visit,
                       void *context);

/* ---- weak.c ---------------------------------------------------------------------------------- */
/* Clears all weak slots that refer to the object, and its state bit. */
void cairn_weak_target_gone(cairn_heap *heap, cairn_object *target);
/* The same for a shared object, if the caller's reference is its last one.  Returns whether. */
bool cairn_weak_target_last(cairn_heap *heap, cairn_object *target);
/* Clears and forgets the weak slots of an object whose type has some. */
void cairn_weak_holder_gone(cairn_heap *heap, cairn_object *holder);
void cairn_weak_table_free(cairn_heap *heap);
/* As cairn_weak_get; `call` as cairn_retain_told has it. */
cairn_object *cairn_weak_get_told(cairn_object *const *slot, struct cairn_call call);
/* Clears the weak slots that the table of a heap knows of; other heaps have some of a shared one.
 */
void cairn_weak_clear_all(cairn_heap *heap);

/* ---- die.c ----------------------------------------------------------------------------------- */
/* An object with one of these is noted elsewhere; before its block is freed, cairn_object_forget
 * ends that (state.candidate stays in the header). */
#define CAIRN_STATES_NOTED (CAIRN_STATE(CANDIDATE) | CAIRN_STATE(EXTERNAL))
void cairn_object_forget(cairn_heap *heap, cairn_object *object);
/* count.c: as cairn_retain, for a reference that the program is given: it is the program that takes
 * it, at that call, and no container. */
cairn_object *cairn_retain_told(cairn_object *object, struct cairn_call call);

/* count.c: the slow ways of cairn_retain_untold and cairn_retain_tell (builtin.h). */
void cairn_retain_untold_slow(cairn_object *object);
void cairn_retain_tell_slow(cairn_object *object, uint32_t untold, const void *holder);

/* count.c: as cairn_release, for any object. */
void cairn_object_release_told(cairn_object *object, struct cairn_call call, const void *holder);
/* Gives up the runtime's own hold (state.held and one of the count): as cairn_release. */
void cairn_object_unhold(cairn_heap *heap, cairn_object *object);

/* ---- candidate.c, collect.c, due.c ----------------------------------------------------------- */
/* The header of a candidate when it is none any more: the next drop of its count is told again. */
static inline uint64_t cairn_header_untold(uint64_t header) {
  return (header & ~CAIRN_STATE(CANDIDATE)) | CAIRN_STATE(TELL);
}
/* The candidate died or was looked at: takes it out of the counters, not the bit out of its header.
 */
void cairn_candidate_forget(cairn_heap *heap, cairn_object *object);
/* Called by the allocator's slow path: collects when the counters say that it is worth it. */
void cairn_collect_if_due(cairn_heap *heap);

/* ---- contract_export.c ----------------------------------------------------------------------- */
void cairn_registry_add(cairn_heap *heap);
void cairn_registry_remove(cairn_heap *heap);
/* True when `matches` is for one of the process's heaps.  None is made or destroyed meanwhile. */
bool cairn_registry_find(bool (*matches)(cairn_heap *heap, void *context), void *context);

/* ---- flux ------------------------------------------------------------------------------------ */
static inline void cairn_flux_set(cairn_heap *heap, uint32_t flux, cairn_object *object) {
  heap->flux_object = object;
  heap->flux = flux;
}

#endif
