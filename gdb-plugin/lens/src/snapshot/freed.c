/* Freed blocks of glibc's malloc.  See freed.h.
 *
 * A chunk is a word that belongs to the chunk before it, a word with its size and three bits, and
 * what was given out.  Of a chunk that is free
 *
 *  - the next one's bit says so, and repeats its size;
 *  - or it stands in a list of a thread's cache, whose struct is a chunk itself, the first of its
 *    heap as a rule: 64 counts, then 64 heads, a size each;
 *  - or in one of the lists of small chunks in the heap's malloc_state.
 *
 * Links are hidden since glibc 2.32: exclusive or with the shifted address of the link itself.
 *
 * What this is not: a check of malloc's heap.  What looks odd is left out, silently.
 */
#include "snapshot/freed.h"

#include <stdlib.h>
#include <string.h>

#include "analysis.h"

enum {
  GRAIN = 16,
  IN_USE_BEFORE = 1, /* of a chunk's size: the chunk before it is not free */
  MAPPED = 2,
  SIZE_BITS = 7,
  CHUNK_MIN = 32,
  CACHE_LISTS = 64,
  CACHE_BYTES = 0x290,     /* the chunk of a cache with counts of two bytes */
  CACHE_BYTES_OLD = 0x250, /* of one byte: before glibc 2.30 */
  CACHED_MAX = 1 << 16,    /* in one list of a cache */
  CACHES_MAX = 1 << 16,
  LISTS = 10, /* of small chunks */
  STEPS_A_CLOCK = 1 << 10,
  SMALL_RANGE_BYTES = 4 << 20 /* where the main arena may lie: data of a library or a program */
};

/* Of malloc_state, glibc 2.27 to 2.41. */
enum { STATE_LISTS = 0x10, STATE_TOP = 0x60, STATE_SYSTEM_BYTES = 0x888, STATE_BYTES = 0x898 };

/* Of the head of a heap that is not the first: it starts at a multiple of its greatest size. */
enum {
  HEAP_BYTES_MAX = 64 << 20,
  HEAP_ARENA = 0,
  HEAP_BEFORE = 8,
  HEAP_BYTES = 16,
  HEAP_HEAD_MAX = 64
};

void lens_freed_free(struct lens_freed *self) {
  for (size_t i = 0; i < self->heap_count; i++) {
    lens_column_free(&self->heaps[i].starts);
    lens_column_free(&self->heaps[i].freed);
  }
  lens_dealloc(self->heaps);
  lens_dealloc(self->ranges);
  lens_dealloc(self->caches);
  *self = (struct lens_freed){0};
}

/* ---- bits ---- */

static bool bit(const struct lens_column *bits, uint64_t index) {
  return (((const uint64_t *)bits->items)[index / 64] >> (index % 64) & 1) != 0;
}

static void set(struct lens_column *bits, uint64_t index) {
  ((uint64_t *)bits->items)[index / 64] |= 1ull << (index % 64);
}

/* The heap whose chunks lie around the address; NULL: none. */
static struct lens_freed_heap *heap_at(const struct lens_freed *self, uint64_t address) {
  size_t low = 0, high = self->heap_count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    struct lens_freed_heap *heap = &self->heaps[middle];
    if (address < heap->start) {
      high = middle;
    } else if (address >= heap->end) {
      low = middle + 1;
    } else {
      return heap;
    }
  }
  return NULL;
}

static bool is_chunk(const struct lens_freed_heap *heap, uint64_t address) {
  return address >= heap->start && address < heap->top && address % GRAIN == 0 &&
         bit(&heap->starts, (address - heap->start) / GRAIN);
}

bool lens_freed_holds(const struct lens_freed *self, uint64_t address) {
  const struct lens_freed_heap *heap = heap_at(self, address);
  if (heap == NULL || address < heap->start + GRAIN) return false;
  if (address >= heap->top + GRAIN) return true;
  /* A chunk's first word is the last one of the chunk before it. */
  uint64_t index = (address - sizeof(uint64_t) - heap->start) / GRAIN;
  const uint64_t *starts = heap->starts.items;
  uint64_t word = starts[index / 64] & (UINT64_MAX >> (63 - index % 64)), row = index / 64;
  while (word == 0 && row > 0) word = starts[--row];
  if (word == 0) return false;
  return bit(&heap->freed, row * 64 + 63 - (uint64_t)__builtin_clzll(word));
}

/* ---- heaps ---- */

static bool is_cache_size(uint64_t bytes) {
  return bytes == CACHE_BYTES || bytes == CACHE_BYTES_OLD;
}

static lens_status word_at(lens *self, uint64_t address, uint64_t *out) {
  uint8_t bytes[8] = {0};
  lens_status status = lens_fetch(self, address, sizeof bytes, bytes);
  *out = lens_load_uint(bytes, 8);
  return status;
}

/* The heap that grew with the program's break: its first chunk is the first thread's cache. */
static lens_status find_main(lens *self, const lens_region *range, struct lens_freed_heap *heap) {
  uint64_t size;
  lens_status status = word_at(self, range->start + 8, &size);
  bool begins = status == LENS_OK && is_cache_size(size & ~(uint64_t)SIZE_BITS) &&
                (size & (IN_USE_BEFORE | MAPPED)) == IN_USE_BEFORE;
  if (begins) {
    heap->start = range->start;
    heap->end = range->end;
  }
  return status == LENS_UNREADABLE ? LENS_OK : status;
}

/* The only heap of another arena: its head, then its malloc_state, then chunks. */
static lens_status find_other(lens *self, const lens_region *range, struct lens_freed_heap *heap) {
  uint64_t head[3];
  lens_status status = lens_fetch(self, range->start, sizeof head, head);
  if (status != LENS_OK) return status == LENS_UNREADABLE ? LENS_OK : status;
  uint64_t arena = head[HEAP_ARENA / 8], bytes = head[HEAP_BYTES / 8];
  bool is_only = head[HEAP_BEFORE / 8] == 0 && arena > range->start &&
                 arena - range->start <= HEAP_HEAD_MAX && bytes % GRAIN == 0 &&
                 bytes <= range->end - range->start && bytes > HEAP_HEAD_MAX + STATE_BYTES + GRAIN;
  if (!is_only) return LENS_OK;
  heap->start = (arena + STATE_BYTES + GRAIN - 1) / GRAIN * GRAIN;
  heap->end = range->start + bytes;
  heap->arena = arena;
  return LENS_OK;
}

static lens_status begin_heap(lens *self, const lens_region *range) {
  struct lens_freed *freed = &self->analysis->freed;
  struct lens_freed_heap heap = {0};
  lens_status status = range->start % HEAP_BYTES_MAX == 0 ? find_other(self, range, &heap)
                                                          : find_main(self, range, &heap);
  if (status != LENS_OK || heap.start == 0) return status;
  /* What grew after a fork is a mapping of its own. */
  while (heap.arena == 0 && freed->range < freed->range_count &&
         freed->ranges[freed->range].start == heap.end)
    heap.end = freed->ranges[freed->range++].end;
  struct lens_freed_heap *heaps =
      lens_grow(freed->heaps, &freed->heap_capacity, freed->heap_count + 1, sizeof *heaps);
  if (heaps == NULL) return lens_out_of_memory(self);
  freed->heaps = heaps;
  heaps[freed->heap_count++] = heap;
  freed->at = heap.start;
  freed->walking = true;
  return LENS_OK;
}

static lens_status note_cache(lens *self, uint64_t chunk) {
  struct lens_freed *freed = &self->analysis->freed;
  if (freed->cache_count == CACHES_MAX) return LENS_OK;
  uint64_t *caches =
      lens_grow(freed->caches, &freed->cache_capacity, freed->cache_count + 1, sizeof *caches);
  if (caches == NULL) return lens_out_of_memory(self);
  freed->caches = caches;
  caches[freed->cache_count++] = chunk;
  return LENS_OK;
}

/* The next chunk of the heap that is walked.  LENS_CORRUPT: it is no heap. */
static lens_status walk_chunk(lens *self, struct lens_freed_heap *heap, uint64_t *size_before) {
  struct lens_freed *freed = &self->analysis->freed;
  uint64_t head[2], at = freed->at;
  if (heap->end - at < CHUNK_MIN) return LENS_CORRUPT;
  lens_status status = lens_fetch(self, at, sizeof head, head);
  if (status != LENS_OK) return status == LENS_UNREADABLE ? LENS_CORRUPT : status;
  uint64_t size = head[1] & ~(uint64_t)SIZE_BITS, index = (at - heap->start) / GRAIN;
  if (size < CHUNK_MIN || size % GRAIN != 0 || size > heap->end - at || (head[1] & MAPPED) != 0)
    return LENS_CORRUPT;
  if (!lens_column_reserve(&heap->starts, index / 64 + 1, sizeof(uint64_t)) ||
      !lens_column_reserve(&heap->freed, index / 64 + 1, sizeof(uint64_t)))
    return lens_out_of_memory(self);
  if ((head[1] & IN_USE_BEFORE) == 0) {
    if (*size_before == 0 || head[0] != *size_before) return LENS_CORRUPT;
    set(&heap->freed, index - *size_before / GRAIN);
  }
  set(&heap->starts, index);
  *size_before = size;
  freed->at = at + size;
  if (freed->at == heap->end) {
    heap->top = at;
    set(&heap->freed, index);
  } else if (is_cache_size(size)) {
    return note_cache(self, at);
  }
  return LENS_OK;
}

/* What was found does not hold together: none of it counts. */
static void drop_heap(struct lens_freed *freed) {
  struct lens_freed_heap *heap = &freed->heaps[--freed->heap_count];
  while (freed->cache_count != 0 && freed->caches[freed->cache_count - 1] >= heap->start &&
         freed->caches[freed->cache_count - 1] < heap->end)
    freed->cache_count--;
  lens_column_free(&heap->starts);
  lens_column_free(&heap->freed);
}

static lens_status walk_heap(lens *self, const lens_slice *slice) {
  struct lens_freed *freed = &self->analysis->freed;
  struct lens_freed_heap *heap = &freed->heaps[freed->heap_count - 1];
  lens_status status = LENS_OK;
  for (uint32_t i = 1; status == LENS_OK && heap->top == 0; i++) {
    status = walk_chunk(self, heap, &freed->size_before);
    if (i % STEPS_A_CLOCK == 0 && status == LENS_OK && lens_slice_over(slice)) return LENS_AGAIN;
  }
  if (status == LENS_OK && heap->arena != 0) {
    uint64_t top;
    status = word_at(self, heap->arena + STATE_TOP, &top);
    if (status == LENS_UNREADABLE || (status == LENS_OK && top != heap->top)) status = LENS_CORRUPT;
  }
  if (status == LENS_CORRUPT) {
    drop_heap(freed);
    status = LENS_OK;
  }
  freed->walking = false;
  freed->size_before = 0;
  return status;
}

static lens_status find_heaps(lens *self, const lens_slice *slice) {
  struct lens_freed *freed = &self->analysis->freed;
  lens_status status = LENS_OK;
  while (status == LENS_OK && (freed->walking || freed->range < freed->range_count)) {
    if (!freed->walking) status = begin_heap(self, &freed->ranges[freed->range++]);
    if (status == LENS_OK && freed->walking) status = walk_heap(self, slice);
    if (status == LENS_OK && lens_slice_over(slice)) return LENS_AGAIN;
  }
  return status;
}

/* ---- lists ---- */

/* The chunk that a link at `place` leads to, as far as it leads to a chunk: both ways of writing it
 * are tried.  0: to none.  *ends: the list ends here. */
static uint64_t follow(const struct lens_freed *freed, uint64_t place, uint64_t raw,
                       uint64_t behind, bool *ends) {
  const uint64_t words[] = {raw ^ place >> 12, raw};
  *ends = false;
  for (size_t i = 0; i < 2; i++) {
    if (words[i] == 0) *ends = true;
    const struct lens_freed_heap *heap = heap_at(freed, words[i]);
    if (heap != NULL && is_chunk(heap, words[i] - behind)) return words[i] - behind;
  }
  return 0;
}

static bool has_size(lens *self, uint64_t chunk, uint64_t bytes, lens_status *status) {
  uint64_t size = 0;
  *status = word_at(self, chunk + 8, &size);
  return *status == LENS_OK && (size & ~(uint64_t)SIZE_BITS) == bytes;
}

static void mark(const struct lens_freed *freed, uint64_t chunk) {
  struct lens_freed_heap *heap = heap_at(freed, chunk);
  set(&heap->freed, (chunk - heap->start) / GRAIN);
}

/* One list of a cache.  It has `count` chunks of one size, each with the key of the cache behind
 * its link; with `apply` they are marked. */
static lens_status cached(lens *self, uint64_t head, uint64_t count, uint64_t bytes, uint64_t *key,
                          bool apply, bool *good) {
  const struct lens_freed *freed = &self->analysis->freed;
  lens_status status = LENS_OK;
  bool ends = head == 0;
  const struct lens_freed_heap *heap = heap_at(freed, head);
  uint64_t chunk = heap != NULL && is_chunk(heap, head - GRAIN) ? head - GRAIN : 0, seen = 0;
  while (chunk != 0 && seen < count) {
    uint64_t words[2];
    if (!has_size(self, chunk, bytes, &status)) break;
    status = lens_fetch(self, chunk + GRAIN, sizeof words, words);
    if (status != LENS_OK) break;
    if (*key == 0) *key = words[1];
    if (words[1] != *key || *key == 0) break;
    if (apply) mark(freed, chunk);
    seen++;
    chunk = follow(freed, chunk + GRAIN, words[0], GRAIN, &ends);
  }
  *good = status == LENS_OK && seen == count && ends;
  return status == LENS_UNREADABLE ? LENS_OK : status;
}

static lens_status read_cache(lens *self, uint64_t chunk) {
  uint8_t bytes[CACHE_BYTES];
  uint64_t size, key = 0;
  lens_status status = word_at(self, chunk + 8, &size);
  size &= ~(uint64_t)SIZE_BITS;
  size_t width = size == CACHE_BYTES ? 2 : 1;
  if (status == LENS_OK) status = lens_fetch(self, chunk, size, bytes);
  if (status != LENS_OK) return status == LENS_UNREADABLE ? LENS_OK : status;
  const uint8_t *counts = bytes + GRAIN, *heads = counts + CACHE_LISTS * width;
  bool good = true;
  for (int apply = 0; apply < 2 && good; apply++) {
    for (uint32_t i = 0; i < CACHE_LISTS && good && status == LENS_OK; i++) {
      status = cached(self, lens_load_uint(heads + 8 * i, 8),
                      lens_load_uint(counts + width * i, (uint32_t)width),
                      CHUNK_MIN + (uint64_t)GRAIN * i, &key, apply != 0, &good);
    }
    good = good && status == LENS_OK;
  }
  return status;
}

static lens_status read_caches(lens *self, const lens_slice *slice) {
  struct lens_freed *freed = &self->analysis->freed;
  lens_status status = LENS_OK;
  while (status == LENS_OK && freed->cache < freed->cache_count) {
    uint64_t chunk = freed->caches[freed->cache++];
    const struct lens_freed_heap *heap = heap_at(freed, chunk);
    if (bit(&heap->freed, (chunk - heap->start) / GRAIN)) continue; /* of a thread that ended */
    status = read_cache(self, chunk);
    if (status == LENS_OK && lens_slice_over(slice)) return LENS_AGAIN;
  }
  return status;
}

/* Looks in the range for the malloc_state of the heap that began with the program. */
static lens_status search_state(lens *self, const lens_region *range) {
  struct lens_freed *freed = &self->analysis->freed;
  if (range->end - range->start > SMALL_RANGE_BYTES) return LENS_OK;
  for (uint64_t at = range->start; at < range->end; at += LENS_GRAIN_BYTES) {
    uint64_t words[LENS_GRAIN_BYTES / 8], read_bytes = 0;
    uint64_t wanted = range->end - at < sizeof words ? range->end - at : sizeof words;
    lens_status status = lens_fetch_prefix(self, at, wanted, words, &read_bytes);
    if (status == LENS_UNREADABLE) continue;
    if (status != LENS_OK) return status;
    for (uint64_t i = 0; i < read_bytes / 8; i++) {
      struct lens_freed_heap *heap = heap_at(freed, words[i]);
      if (heap == NULL || heap->arena != 0 || heap->top != words[i]) continue;
      uint64_t bytes, state = at + 8 * i - STATE_TOP;
      status = word_at(self, state + STATE_SYSTEM_BYTES, &bytes);
      if (status == LENS_OK && bytes == heap->end - heap->start) heap->arena = state;
      if (status != LENS_OK && status != LENS_UNREADABLE) return status;
    }
  }
  return LENS_OK;
}

static lens_status search_states(lens *self, const lens_slice *slice) {
  struct lens_freed *freed = &self->analysis->freed;
  lens_status status = LENS_OK;
  bool any = freed->heap_count != 0;
  while (any && status == LENS_OK && freed->range < freed->range_count) {
    status = search_state(self, &freed->ranges[freed->range++]);
    if (status == LENS_OK && lens_slice_over(slice)) return LENS_AGAIN;
  }
  return status;
}

/* The lists of small chunks of an arena: each link is checked before it is followed, and what is
 * marked already is not gone through again. */
static lens_status read_list(lens *self, const lens_slice *slice) {
  struct lens_freed *freed = &self->analysis->freed;
  const struct lens_freed_heap *heap = &freed->heaps[freed->list_heap];
  uint64_t bytes = CHUNK_MIN + (uint64_t)GRAIN * freed->list, raw, place;
  lens_status status = LENS_OK;
  bool ends;
  if (freed->at == 0) {
    place = heap->arena + STATE_LISTS + 8 * (uint64_t)freed->list;
    status = word_at(self, place, &raw);
    if (status == LENS_OK) freed->at = follow(freed, 0, raw, 0, &ends); /* heads are plain */
  }
  for (uint32_t i = 1; status == LENS_OK && freed->at != 0; i++) {
    uint64_t chunk = freed->at;
    freed->at = 0;
    const struct lens_freed_heap *home = heap_at(freed, chunk);
    if (home != heap || bit(&home->freed, (chunk - home->start) / GRAIN)) break;
    if (!has_size(self, chunk, bytes, &status)) break;
    mark(freed, chunk);
    place = chunk + GRAIN;
    status = word_at(self, place, &raw);
    if (status == LENS_OK) freed->at = follow(freed, place, raw, 0, &ends);
    if (status == LENS_OK && freed->at != 0 && i % STEPS_A_CLOCK == 0 && lens_slice_over(slice))
      return LENS_AGAIN;
  }
  freed->at = 0;
  return status == LENS_UNREADABLE ? LENS_OK : status;
}

static lens_status read_lists(lens *self, const lens_slice *slice) {
  struct lens_freed *freed = &self->analysis->freed;
  for (; freed->list_heap < freed->heap_count; freed->list_heap++, freed->list = 0) {
    if (freed->heaps[freed->list_heap].arena == 0) continue;
    for (; freed->list < LISTS; freed->list++) {
      lens_status status = read_list(self, slice);
      if (status != LENS_OK) return status;
    }
  }
  return LENS_OK;
}

/* ---- in steps ---- */

static int by_start(const void *a, const void *b) {
  uint64_t left = ((const struct lens_freed_heap *)a)->start,
           right = ((const struct lens_freed_heap *)b)->start;
  return left < right ? -1 : left > right;
}

static lens_status begin(lens *self) {
  struct lens_freed *freed = &self->analysis->freed;
  uint64_t written = 0, total = 0;
  lens_status status = lens_foreign_ranges(self, 0, NULL, &written, &total);
  if (status != LENS_OK) return status;
  freed->ranges = lens_alloc_zeroed(total + 1, sizeof *freed->ranges);
  if (freed->ranges == NULL) return lens_out_of_memory(self);
  return lens_foreign_ranges(self, total, freed->ranges, &freed->range_count, &total);
}

lens_status lens_freed_step(lens *self, const lens_slice *slice) {
  struct lens_freed *freed = &self->analysis->freed;
  lens_status status = freed->ranges == NULL ? begin(self) : LENS_OK;
  while (status == LENS_OK && freed->phase != LENS_FREED_DONE) {
    switch (freed->phase) {
      case LENS_FREED_WALK:
        status = find_heaps(self, slice);
        if (status == LENS_OK && freed->heap_count != 0)
          qsort(freed->heaps, freed->heap_count, sizeof *freed->heaps, by_start);
        if (status == LENS_OK) freed->range = 0;
        break;
      case LENS_FREED_CACHES:
        status = read_caches(self, slice);
        break;
      case LENS_FREED_STATES:
        status = search_states(self, slice);
        freed->at = status == LENS_OK ? 0 : freed->at;
        break;
      default:
        status = read_lists(self, slice);
        break;
    }
    if (status == LENS_OK) freed->phase++;
  }
  if (status != LENS_OK && status != LENS_AGAIN) lens_freed_free(freed);
  return status;
}
