/* Memory from the system: the only file that maps and unmaps, and where tests make that fail.
 *
 * What this is not: an allocator (arenas and chunks are cut elsewhere), nor does it know of limits
 * (limit.c).
 */
#include <sys/mman.h>

#include "internal.h"

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
