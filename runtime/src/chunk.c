/* Metadata chunks: memory for the heap struct, types, names and tables, apart from the objects.
 *
 * Invariants, of each chunk c in heap->chunks:
 *  - sizeof(struct cairn_chunk) <= c->used_bytes <= c->bytes
 *  - bytes above used_bytes are 0; what lies below is never moved and lives as long as the heap
 *  - heap->metadata_bytes counts c->bytes
 * A chunk is complete before it is linked, and the newest is first: a reader finds every byte that
 * the heap's tables lead to inside some chunk of the list.
 *
 * What this is not: a general allocator.  Nothing is freed on its own.
 */
#include "internal.h"

enum { CHUNK_BYTES = 64 << 10, CHUNK_ALIGN = 16, CHUNK_GRAIN = 4096 };

static size_t round_up(size_t bytes, size_t grain) { return (bytes + grain - 1) & ~(grain - 1); }

static const size_t first_offset =
    (sizeof(struct cairn_chunk) + CHUNK_ALIGN - 1) & ~(size_t)(CHUNK_ALIGN - 1);

/* The size of a chunk with room for that much. */
static size_t chunk_bytes_for(size_t payload_bytes) {
  size_t bytes = round_up(first_offset + payload_bytes, CHUNK_GRAIN);
  return bytes < CHUNK_BYTES ? CHUNK_BYTES : bytes;
}

static void chunk_begin(struct cairn_chunk *chunk, size_t bytes) {
  chunk->bytes = bytes;
  chunk->used_bytes = first_offset;
}

/* The next `bytes` of the chunk, or NULL when they do not fit. */
static void *chunk_cut(struct cairn_chunk *chunk, size_t bytes) {
  if (bytes > chunk->bytes - chunk->used_bytes) return NULL;
  void *memory = (char *)chunk + chunk->used_bytes;
  chunk->used_bytes += bytes;
  return memory;
}

cairn_heap *cairn_chunk_heap_new(void) {
  size_t bytes = round_up(sizeof(cairn_heap), CHUNK_ALIGN);
  size_t chunk_bytes = chunk_bytes_for(bytes);
  struct cairn_chunk *chunk = cairn_system_map(chunk_bytes, 0); /* no heap yet, so no limit */
  if (chunk == NULL) return NULL;
  chunk_begin(chunk, chunk_bytes);
  cairn_heap *heap = chunk_cut(chunk, bytes);
  heap->chunks = chunk;
  heap->metadata_bytes = chunk_bytes;
  heap->taken_bytes = chunk_bytes;
  heap->peak_bytes = chunk_bytes;
  return heap;
}

void cairn_chunk_free_all(cairn_heap *heap) {
  struct cairn_chunk *chunk = heap->chunks;
  while (chunk != NULL) {
    /* The heap lies in the oldest chunk, which is last: it is not touched after this. */
    struct cairn_chunk *next = chunk->next;
    cairn_system_unmap(chunk, chunk->bytes);
    chunk = next;
  }
}

void *cairn_chunk_try(cairn_heap *heap, size_t bytes) {
  if (bytes > SIZE_MAX / 2) return NULL;
  bytes = round_up(bytes, CHUNK_ALIGN);
  void *memory = chunk_cut(heap->chunks, bytes);
  if (memory != NULL) return memory;
  size_t chunk_bytes = chunk_bytes_for(bytes);
  struct cairn_chunk *chunk = cairn_limit_map(heap, 0, chunk_bytes, 0);
  if (chunk == NULL) return NULL;
  chunk_begin(chunk, chunk_bytes);
  chunk->next = heap->chunks;
  CAIRN_ORDER();
  heap->chunks = chunk;
  heap->metadata_bytes += chunk->bytes;
  return chunk_cut(chunk, bytes);
}

void *cairn_chunk_alloc(cairn_heap *heap, size_t bytes) {
  for (unsigned attempt = 0;; attempt++) {
    void *memory = cairn_chunk_try(heap, bytes);
    if (memory != NULL || !cairn_memory_relieve(heap, bytes, attempt)) return memory;
  }
}
