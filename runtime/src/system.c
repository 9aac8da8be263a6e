/* Memory from the system: the only file that maps and unmaps, and the place where a heap's limit
 * and the answer to a lack of memory live.
 *
 * Invariants:
 *  - reserved_bytes + metadata_bytes + external_bytes <= limit_bytes after every mapping that the
 *    heap makes, where there is a limit.  (External bytes and a lowered limit may pass it; the heap
 *    is then *pressed* (CAIRN_SLOW_PRESSED), and each block allocation asks for relief first.)
 *  - The collector's side memory is not counted: it is address space until a collection needs it.
 *
 * What this is not: an allocator.  Arenas and chunks are cut elsewhere.
 */
#include <sys/mman.h>

#include "tracking.h"

struct cairn_fault cairn_fault;

void cairn_fault_arm(cairn_heap *heap) { cairn_heap_slow_set(heap, CAIRN_SLOW_PRESSED, true); }

static bool fault_due(uint64_t *after) {
  if (*after == 0) return false;
  if (*after > 1) {
    (*after)--;
    return false;
  }
  return true;
}

/* `below` and then `bytes`, the boundary between them aligned. */
static char *map_aligned(size_t below, size_t bytes, size_t alignment) {
  if (fault_due(&cairn_fault.map_after)) return NULL;
  size_t slack = alignment > 4096 ? alignment : 0;
  if (bytes > SIZE_MAX - slack - below) return NULL;
  size_t total = below + bytes;
  char *mapping =
      mmap(NULL, total + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) return NULL;
  if (slack == 0) return mapping + below;
  size_t before = (alignment - (((uintptr_t)mapping + below) & (alignment - 1))) & (alignment - 1);
  if (before != 0) munmap(mapping, before);
  if (slack != before) munmap(mapping + before + total, slack - before);
  return mapping + before + below;
}

void *cairn_system_map(size_t bytes, size_t alignment) { return map_aligned(0, bytes, alignment); }

void *cairn_system_map_above(size_t below, size_t bytes, size_t alignment) {
  char *memory = map_aligned(below, bytes, alignment);
  if (memory == NULL) return NULL;
  /* Not even promised by the system, where it counts promises. */
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
  void *mapping = MAP_FAILED;
  if (!fault_due(&cairn_fault.map_after)) {
    mapping = mmap(memory - below, below, PROT_READ | PROT_WRITE, flags, -1, 0);
  }
  if (mapping == MAP_FAILED) {
    munmap(memory - below, below + bytes);
    return NULL;
  }
  /* Advice that an old kernel does not know costs memory and a larger core, no more. */
  madvise(mapping, below, MADV_DONTDUMP);
  madvise(mapping, below, MADV_NOHUGEPAGE);
  return memory;
}

void cairn_system_forget(void *memory, size_t bytes) { madvise(memory, bytes, MADV_DONTNEED); }

void cairn_system_widen(void *memory, size_t bytes) { madvise(memory, bytes, MADV_HUGEPAGE); }

void cairn_system_unmap(void *memory, size_t bytes) { munmap(memory, bytes); }

/* The bytes that the limit speaks of. */
static uint64_t limited_bytes(const cairn_heap *heap) {
  return heap->reserved_bytes + heap->metadata_bytes + heap->external_bytes;
}

bool cairn_limit_allows(const cairn_heap *heap, uint64_t bytes) {
  if (heap->limit_bytes == 0) return true;
  uint64_t now = limited_bytes(heap);
  return now <= heap->limit_bytes && bytes <= heap->limit_bytes - now;
}

void cairn_limit_refresh(cairn_heap *heap) {
  bool pressed = !cairn_limit_allows(heap, 0) || cairn_fault.block_after != 0;
  cairn_heap_slow_set(heap, CAIRN_SLOW_PRESSED, pressed);
}

bool cairn_memory_relieve(cairn_heap *heap, uint64_t wanted_bytes, unsigned attempt) {
  if (!heap->ready || heap->destroying) return false;
  if (attempt == 0) {
    cairn_collect(heap);
    cairn_track_relieve(heap);
    return true;
  }
  if (attempt > 1 || heap->near_limit == NULL || heap->in_near_limit) return false;
  heap->in_near_limit = true;
  bool again = heap->near_limit(heap, wanted_bytes, heap->near_limit_context);
  heap->in_near_limit = false;
  return again;
}

void *cairn_metadata_map(cairn_heap *heap, size_t bytes) {
  for (unsigned attempt = 0;; attempt++) {
    void *memory = cairn_limit_allows(heap, bytes) ? cairn_system_map(bytes, 0) : NULL;
    if (memory != NULL) {
      heap->metadata_bytes += bytes;
      return memory;
    }
    if (!cairn_memory_relieve(heap, bytes, attempt)) return NULL;
  }
}

void cairn_metadata_unmap(cairn_heap *heap, void *memory, size_t bytes) {
  cairn_system_unmap(memory, bytes);
  heap->metadata_bytes -= bytes;
}
