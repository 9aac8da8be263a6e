/* Blocks: the slow ways, when the row of a size class is empty or full, or there is none.
 *
 * An empty row takes a batch of blocks from one page; a full one gives its newer half back to the
 * pages, so a heap that shrinks leaves no more than a row a class behind.
 *
 * Invariants: those of hot.h.  While blocks are on their way between a page and a row heap.flux is
 * not `none`: they are handed out by the page's counters, and nowhere to be seen.
 *
 * What this is not: it keeps no lists (page.c).
 */
#include "hot.h"

#include "observe.h"
#include "tracking.h"

enum { ROW_BYTES = 8192, ROW_BLOCKS_MIN = 4 };

static uint32_t row_capacity(uint32_t size_class) {
  uint32_t blocks = ROW_BYTES / cairn_size_class_bytes(size_class);
  if (blocks < ROW_BLOCKS_MIN) return ROW_BLOCKS_MIN;
  return blocks < CAIRN_HOT_BLOCKS ? blocks : CAIRN_HOT_BLOCKS;
}

static void rows_open(cairn_heap *heap) {
  for (uint32_t i = 0; i < CAIRN_SIZE_CLASSES; i++) heap->hot_rows[i].capacity = row_capacity(i);
  if (heap->hot != NULL) return;
  heap->hot_count = CAIRN_SIZE_CLASSES;
  CAIRN_ORDER();
  heap->hot = heap->hot_rows;
}

static void rows_close(cairn_heap *heap) {
  for (uint32_t i = 0; i < CAIRN_SIZE_CLASSES; i++) heap->hot_rows[i].capacity = 0;
}

/* The `count` newest blocks of a row go back to their pages. */
static void row_give(cairn_heap *heap, struct cairn_hot *row, size_t count) {
  uint32_t outer_flux = heap->flux; /* of a cascade, maybe: its dying objects say so themselves */
  heap->flux = CAIRN_FLUX_ALLOCATE;
  CAIRN_ORDER();
  row->pushed -= count;
  CAIRN_ORDER();
  cairn_pages_put(heap, row->blocks + cairn_hot_count(row), count);
  CAIRN_ORDER();
  heap->flux = outer_flux;
}

/* Puts a free block on a row that may be full, or closed.  A full one gives its newer half back to
 * the pages first: a page's counters are then changed once for all of its blocks among them.  But
 * where there is a limit the block itself goes back: what a shrinking heap leaves ready is then
 * what it freed first, in few arenas. */
static void row_push(cairn_heap *heap, struct cairn_hot *row, void *block) {
  uint64_t count = cairn_hot_count(row);
  if (count >= row->capacity) {
    if (count == 0 || cairn_heap_is_limited(heap)) {
      cairn_pages_put(heap, &block, 1);
      return;
    }
    row_give(heap, row, (size_t)(count + 1) / 2);
  }
  cairn_hot_push(row, cairn_hot_count(row), block);
}

void cairn_hot_flush(cairn_heap *heap) {
  for (uint32_t i = 0; i < CAIRN_SIZE_CLASSES; i++) {
    struct cairn_hot *row = &heap->hot_rows[i];
    if (cairn_hot_count(row) != 0) row_give(heap, row, (size_t)cairn_hot_count(row));
  }
}

struct cairn_counts cairn_counts_of(const cairn_heap *heap) {
  struct cairn_counts counts = {
      .object_count = heap->block_count - heap->buffer_count - heap->retired_count,
      .used_bytes = heap->block_bytes,
      .made_count = heap->aside_made_count};
  for (uint32_t i = 0; i < CAIRN_SIZE_CLASSES; i++) {
    const struct cairn_hot *row = &heap->hot_rows[i];
    counts.object_count -= cairn_hot_count(row);
    counts.used_bytes -= cairn_hot_count(row) * cairn_size_class_bytes(i);
    counts.made_count += row->popped;
  }
  counts.death_count = counts.made_count - heap->buffer_made_count - counts.object_count;
  return counts;
}

void cairn_heap_slow_set(cairn_heap *heap, uint32_t reason, bool on) {
  uint32_t before = heap->slow;
  heap->slow = on ? before | reason : before & ~reason;
  bool open = (heap->slow & CAIRN_SLOW_CLOSED) == 0;
  if (((before & CAIRN_SLOW_CLOSED) == 0) == open) return;
  if (open) {
    rows_open(heap);
  } else {
    rows_close(heap);
    cairn_hot_flush(heap);
  }
}

/* ---- finding a block ------------------------------------------------------------------------- */

/* Blocks from a page of the class, to be handed out from the last on.  How many; 0: no memory. */
static uint32_t page_take(cairn_heap *heap, uint32_t size_class, uint32_t wanted, void **blocks) {
  uint32_t outer_flux = heap->flux;
  if (outer_flux == CAIRN_FLUX_NONE) heap->flux = CAIRN_FLUX_ALLOCATE;
  CAIRN_ORDER();
  uint32_t count = cairn_page_take(heap, size_class, wanted, blocks);
  CAIRN_ORDER();
  if (wanted > 1) heap->hot_rows[size_class].pushed += count;
  CAIRN_ORDER();
  heap->flux = outer_flux;
  return count;
}

/* A block of the class: of its row, which is filled by half where it is empty, or by the row. */
static void *class_take(cairn_heap *heap, uint32_t size_class) {
  struct cairn_hot *row = &heap->hot_rows[size_class];
  if (heap->hot == NULL && (heap->slow & CAIRN_SLOW_CLOSED) == 0) rows_open(heap);
  uint64_t count = cairn_hot_count(row);
  if (count != 0) return cairn_hot_pop(row, count);
  if (row->capacity == 0) {
    void *block;
    if (page_take(heap, size_class, 1, &block) == 0) return NULL;
    heap->aside_made_count++;
    return block;
  }
  count = page_take(heap, size_class, (uint32_t)(row->capacity + 1) / 2, row->blocks);
  return count == 0 ? NULL : cairn_hot_pop(row, count);
}

/* One attempt, without relief.  Large blocks come zeroed, the others as they are. */
static void *block_try(cairn_heap *heap, size_t bytes) {
  if (bytes > CAIRN_SMALL_MAX_BYTES) return cairn_large_new(heap, bytes);
  return class_take(heap, cairn_size_class_of(bytes));
}

/* True when the block will come from memory that is at hand. */
static bool is_at_hand(const cairn_heap *heap, size_t bytes) {
  return bytes <= CAIRN_SMALL_MAX_BYTES && (heap->slow & CAIRN_SLOW_CLOSED) == 0 &&
         heap->class_pages[cairn_size_class_of(bytes)] != NULL;
}

void *cairn_block_find(cairn_heap *heap, size_t bytes) {
  cairn_observe_look(heap);
  if (is_at_hand(heap, bytes)) return class_take(heap, cairn_size_class_of(bytes));
  if (heap->ready && !heap->destroying) {
    cairn_limit_soft(heap);
    cairn_collect_if_due(heap);
  }
  for (unsigned attempt = 0;; attempt++) {
    bool pressed = (heap->slow & CAIRN_SLOW_PRESSED) != 0;
    void *block = pressed && !cairn_limit_press_allows(heap) ? NULL : block_try(heap, bytes);
    if (block != NULL) return block;
    if (!cairn_memory_relieve(heap, bytes, attempt)) return NULL;
  }
}

/* What is taken for a small block of `bytes`. */
static size_t small_bytes(size_t bytes) {
  return bytes <= CAIRN_BLOCK_MIN_BYTES ? CAIRN_BLOCK_MIN_BYTES : (bytes + 7) & ~(size_t)7;
}

void *cairn_block_at_hand(cairn_heap *heap, size_t bytes) {
  if (bytes > CAIRN_SMALL_MAX_BYTES) return NULL;
  bytes = small_bytes(bytes);
  uint32_t size_class = cairn_size_class_of(bytes);
  struct cairn_hot *row = &heap->hot_rows[size_class];
  uint64_t ready = cairn_hot_count(row);
  void *block = NULL;
  if (ready != 0) {
    block = cairn_hot_pop(row, ready);
  } else if (is_at_hand(heap, bytes)) {
    cairn_observe_look(heap);
    block = class_take(heap, size_class);
  }
  if (block != NULL) cairn_block_zero(block, bytes);
  return block;
}

void *cairn_block_new(cairn_heap *heap, size_t bytes) {
  if (bytes > CAIRN_SMALL_MAX_BYTES) return cairn_block_find(heap, bytes);
  bytes = small_bytes(bytes);
  struct cairn_hot *row = &heap->hot_rows[cairn_size_class_of(bytes)];
  uint64_t ready = cairn_hot_count(row);
  void *block = ready != 0 ? cairn_hot_pop(row, ready) : cairn_block_find(heap, bytes);
  if (block != NULL) cairn_block_zero(block, bytes);
  return block;
}

void cairn_large_zero(void *block, size_t bytes) {
  memset((char *)block + sizeof(cairn_object), 0, bytes - sizeof(cairn_object));
}

/* ---- putting it away ------------------------------------------------------------------------- */

void cairn_block_retire(cairn_heap *heap, void *block, uint64_t header) {
  cairn_object *object = block;
  uint64_t before = object->header;
  CAIRN_ORDER();
  object->header = header;
  CAIRN_ORDER();
  if ((before & CAIRN_STATE(BUFFER)) != 0) heap->buffer_count--;
  heap->retired_count++;
}

void cairn_block_free_retired(cairn_heap *heap, void *block) {
  heap->retired_count--;
  CAIRN_ORDER();
  ((cairn_object *)block)->header = 0;
  cairn_block_free(heap, block);
}

void cairn_block_free(cairn_heap *heap, void *block) {
  if ((heap->slow & CAIRN_SLOW_TOLD) != 0 && cairn_observe_freed(heap, block)) return;
  cairn_object *object = block;
  uint64_t header = object->header;
  CAIRN_ORDER();
  object->header = 0;
  CAIRN_ORDER();
  if ((header & CAIRN_STATE(BUFFER)) != 0) heap->buffer_count--;
  uint32_t size_class = *cairn_size_class_at(cairn_arena_of(block), block);
  struct cairn_hot *row = &heap->hot_rows[size_class];
  uint64_t count = cairn_hot_count(row);
  if (count < row->capacity) {
    cairn_hot_push(row, count, block);
  } else if (size_class == CAIRN_SIZE_CLASSES) {
    cairn_large_free(heap, cairn_page_of(block));
  } else {
    row_push(heap, row, block);
  }
}

void cairn_object_free_full(cairn_heap *heap, struct cairn_hot *row, cairn_object *object) {
  cairn_observe_look(heap);
  if (row->capacity == 0) {
    cairn_block_free(heap, object);
    return;
  }
  CAIRN_ORDER();
  object->header = 0;
  CAIRN_ORDER();
  row_push(heap, row, object);
}

size_t cairn_block_size(const void *block) { return cairn_page_of(block)->block_bytes; }
