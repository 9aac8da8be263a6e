/* Checks all that the runtime promises about a heap's memory, from inside.
 *
 * Three passes over the pages, without recursion and without allocating: headers, counters and free
 * lists; then each strong reference adds one to the trial count beside its target; then the trial
 * counts are compared with the true ones and cleared.  The side memory belongs to the collector and
 * is all 0 between collections, as it is after this.
 *
 * What this is not: the debugger's check, which trusts nothing.  Here only the program is under
 * suspicion, and the page table is believed once its own pass is through.
 */
#include "side.h"
#include "tracking.h"

struct check {
  cairn_heap *heap;
  const char *problem;             /* the first that a visit found */
  const struct cairn_arena *known; /* where the last reference led to */
  uint64_t object_count, buffer_count, block_bytes;
};

/* ---- places ---------------------------------------------------------------------------------- */

static bool is_arena(struct check *check, const struct cairn_arena *arena) {
  if (arena == check->known) return true;
  for (const struct cairn_arena *own = check->heap->arenas; own != NULL; own = own->next) {
    if (own != arena) continue;
    check->known = own;
    return true;
  }
  return false;
}

/* True when a block of the heap starts at `address`. */
static bool is_block(struct check *check, const void *address) {
  struct cairn_arena *arena = cairn_arena_of(address);
  if (!is_arena(check, arena)) return false;
  uintptr_t offset = (uintptr_t)address - (uintptr_t)arena;
  const struct cairn_page *page = cairn_page_of(address);
  if (page->kind != CAIRN_PAGE_BLOCKS && page->kind != CAIRN_PAGE_LARGE) return false;
  uintptr_t page_offset = offset & (arena->page_bytes - 1);
  return page_offset % page->block_bytes == 0 && page_offset / page->block_bytes < page->fresh;
}

static bool is_counted(uint64_t header) {
  return (header & CAIRN_STATE(LIVE)) != 0 && (header & CAIRN_STATE(BUFFER)) == 0;
}

/* What is wrong with the block, or NULL. */
typedef const char *(*block_check)(struct check *check, cairn_object *object);

/* Stops at the first problem and returns it. */
static const char *each_block(struct check *check, block_check visit) {
  for (struct cairn_arena *arena = check->heap->arenas; arena != NULL; arena = arena->next) {
    for (uint32_t i = 1; i < arena->page_count; i++) {
      const struct cairn_page *page = cairn_arena_page(arena, i);
      if (page->kind != CAIRN_PAGE_BLOCKS && page->kind != CAIRN_PAGE_LARGE) continue;
      char *memory = cairn_page_memory(arena, page);
      for (uint32_t block = 0; block < page->fresh; block++) {
        const char *problem =
            visit(check, (cairn_object *)(void *)(memory + block * page->block_bytes));
        if (problem != NULL) return problem;
      }
    }
  }
  return NULL;
}

/* ---- pages ----------------------------------------------------------------------------------- */

static const char *check_free_list(struct cairn_arena *arena, const struct cairn_page *page) {
  const char *memory = cairn_page_memory(arena, page);
  uint32_t free_count = page->fresh - page->used_count;
  const struct cairn_free_block *block = page->free_list;
  for (uint32_t i = 0; i < free_count; i++) {
    if (block == NULL) return "a free list is shorter than its page's counters say";
    uintptr_t offset = (uintptr_t)block - (uintptr_t)memory;
    if (offset >= page->fresh * page->block_bytes || offset % page->block_bytes != 0) {
      return "a free list leads out of its page";
    }
    if (block->header != 0) return "a block in a free list has a header";
    block = block->next;
  }
  return block == NULL ? NULL : "a free list is longer than its page's counters say";
}

static const char *check_blocks_page(struct check *check, struct cairn_arena *arena,
                                     const struct cairn_page *page) {
  if (page->size_class >= CAIRN_SIZE_CLASSES ||
      page->block_bytes != cairn_size_class_bytes(page->size_class) ||
      page->block_count != CAIRN_PAGE_BYTES / page->block_bytes) {
    return "a page disagrees with its size class";
  }
  if (page->used_count > page->fresh || page->fresh > page->block_count) {
    return "a page's counters are out of order";
  }
  check->block_bytes += page->used_count * page->block_bytes;
  return check_free_list(arena, page);
}

static const char *check_large_page(struct check *check, struct cairn_arena *arena,
                                    uint32_t index) {
  const struct cairn_page *page = cairn_arena_page(arena, index);
  if (page->span_pages == 0 || page->span_pages > arena->page_count - index ||
      page->block_bytes != (uint64_t)page->span_pages << arena->page_shift || page->fresh != 1) {
    return "a large page disagrees with its span";
  }
  for (uint32_t i = 1; i < page->span_pages; i++) {
    if (page[i].kind != CAIRN_PAGE_LARGE_TAIL || page[i].span_pages != i) {
      return "a large block's further pages do not lead back to its first";
    }
  }
  check->block_bytes += page->block_bytes;
  return NULL;
}

static const char *check_arena(struct check *check, struct cairn_arena *arena) {
  if (arena->magic != CAIRN_ARENA_MAGIC || arena->heap != check->heap) {
    return "an arena's header is damaged";
  }
  uint32_t free_count = 0, idle_count = 0;
  for (uint32_t i = 1; i < arena->page_count; i++) {
    const struct cairn_page *page = cairn_arena_page(arena, i);
    const char *problem = NULL;
    switch (page->kind) {
      case CAIRN_PAGE_FREE:
        free_count++;
        break;
      case CAIRN_PAGE_BLOCKS:
        if (page->used_count == 0) idle_count++;
        problem = check_blocks_page(check, arena, page);
        break;
      case CAIRN_PAGE_LARGE:
        problem = check_large_page(check, arena, i);
        break;
      case CAIRN_PAGE_LARGE_TAIL:
        break;
      default:
        problem = "a page is of an unknown kind";
    }
    if (problem != NULL) return problem;
  }
  bool right = free_count == arena->page_free_count && idle_count == arena->idle_pages;
  return right ? NULL : "an arena's counts of free and idle pages are wrong";
}

/* The blocks that lie ready are free, of their size, and no more than fit. */
static const char *check_hot(struct check *check) {
  for (uint32_t i = 0; i < CAIRN_SIZE_CLASSES; i++) {
    const struct cairn_hot *row = &check->heap->hot_rows[i];
    uint64_t count = row->pushed - row->popped;
    if (count > row->capacity || row->capacity > CAIRN_HOT_BLOCKS) {
      return "a row of ready blocks is longer than it can be";
    }
    for (uint64_t k = 0; k < count; k++) {
      const cairn_object *block = row->blocks[k];
      if (!is_block(check, block) || cairn_page_of(block)->size_class != i) {
        return "a row of ready blocks leads astray";
      }
      if (block->header != 0) return "a ready block has a header";
    }
  }
  return NULL;
}

static const char *check_arenas(struct check *check) {
  uint64_t count = 0, bytes = 0;
  const struct cairn_arena *previous = NULL;
  for (struct cairn_arena *arena = check->heap->arenas; arena != NULL; arena = arena->next) {
    if (arena->previous != previous || arena <= previous) {
      return "the list of arenas is out of order";
    }
    const char *problem = check_arena(check, arena);
    if (problem != NULL) return problem;
    count++;
    bytes += arena->bytes;
    previous = arena;
  }
  bool right = count == check->heap->arena_count && bytes == check->heap->reserved_bytes;
  return right ? NULL : "the heap's counters of arenas are wrong";
}

/* ---- headers, references, counts ------------------------------------------------------------- */

static const char *check_header(struct check *check, cairn_object *object) {
  uint64_t header = object->header;
  if (header == 0 || (header & CAIRN_STATE(QUARANTINED)) != 0) return NULL;
  if ((header & CAIRN_STATE(BUFFER)) != 0) {
    check->buffer_count++;
    bool right = header == (CAIRN_STATE(BUFFER) | CAIRN_STATE(LIVE));
    return right ? NULL : "a buffer's header is damaged";
  }
  check->object_count++;
  bool live = (header & CAIRN_STATE(LIVE)) != 0;
  bool dying = (header & CAIRN_STATE(DYING)) != 0;
  if (live == dying) return "an object is neither live nor dying";
  uint32_t type = cairn_type_index(object);
  if (type == 0 || type >= check->heap->type_count) return "an object's type is unknown";
  if (!live) return NULL;
  if ((header & CAIRN_COUNT_MASK) == 0) return "a live object's count is 0";
  /* Each object has exactly one of the three. */
  uint64_t told = header & (CAIRN_STATE(TELL) | CAIRN_STATE(CANDIDATE) | CAIRN_STATE(ACYCLIC));
  bool one = told != 0 && (told & (told - 1)) == 0;
  return one ? NULL : "an object's states of a candidate contradict each other";
}

static const char *check_totals(const struct check *check) {
  const cairn_heap *heap = check->heap;
  if (check->buffer_count != heap->buffer_count) return "the heap's buffer_count is wrong";
  struct cairn_counts counts = cairn_counts_of(heap);
  if (check->object_count != counts.object_count) return "the heap's block_count is wrong";
  if (check->block_bytes != heap->block_bytes) return "the heap's block_bytes is wrong";
  if (heap->taken_bytes != heap->reserved_bytes + heap->metadata_bytes + heap->external_bytes) {
    return "the heap's taken_bytes is wrong";
  }
  return cairn_external_check(heap);
}

static void add_reference(cairn_object *referent, void *context) {
  struct check *check = context;
  if (check->problem != NULL) return;
  if (!is_block(check, referent)) {
    if (check->heap->shared != 0 || !cairn_shared_has_object(referent)) {
      check->problem = "a slot holds what is no object of the heap";
    }
  } else if (!is_counted(referent->header)) {
    check->problem = "a slot holds a dead object";
  } else {
    ++*cairn_side_word(referent);
  }
}

static const char *add_references(struct check *check, cairn_object *object) {
  if (is_counted(object->header)) cairn_slots_visit(check->heap, object, add_reference, check);
  return check->problem;
}

static const char *compare_count(struct check *check, cairn_object *object) {
  if (!is_counted(object->header) || cairn_is_immortal(object)) return NULL;
  uint64_t references = *cairn_side_word(object);
  if ((object->header & CAIRN_STATE(HELD)) != 0) references++;
  if (references <= cairn_refcount(object)) return NULL;
  return "an object's count is below the references that the heap holds";
}

static const char *check_counts(struct check *check) {
  for (size_t i = 0; i < CAIRN_RUNTIME_SLOTS; i++) {
    if (check->heap->runtime_slots[i] != NULL) add_reference(check->heap->runtime_slots[i], check);
  }
  const char *problem = each_block(check, add_references);
  return problem != NULL ? problem : each_block(check, compare_count);
}

static void clear_trial(cairn_object *object, void *context) { *cairn_side_word(object) = 0; }

const char *cairn_heap_validate(cairn_heap *heap) {
  if (heap->magic != CAIRN_HEAP_MAGIC || heap->self != heap) return "this is no heap";
  cairn_heap_check(heap);
  struct check check = {.heap = heap};
  const char *problem = check_arenas(&check);
  if (problem == NULL) problem = cairn_quarantine_check(heap);
  if (problem == NULL) problem = check_hot(&check);
  if (problem == NULL) problem = each_block(&check, check_header);
  if (problem == NULL) problem = check_totals(&check);
  if (problem != NULL) return problem;
  problem = check_counts(&check);
  cairn_heap_walk(heap, clear_trial, NULL);
  return problem;
}
