/* Reading target memory: chunks through the caller's reader, cached, holes known page by page.
 *
 * Invariants:
 *  - What is not readable is never invented: every function says how much it got.
 *  - A page (4 KiB) is cached whole or not at all; a page that is readable in part only is read
 *    directly, to the byte.
 *  - The cache is bounded (LENS_CACHE_CHUNKS); the least recently used chunk goes first.
 *  - A small read of a chunk that is not cached is done alone, to the byte, unless another one near
 * it or, while there is room, in the same chunk came shortly before.  So hopping about in a heap
 * that is larger than the cache costs what is looked at.
 */
#ifndef LENS_READER_H
#define LENS_READER_H

#include "lens.h"

enum {
  LENS_CHUNK_BYTES = 256 << 10,
  LENS_GRAIN_BYTES = 4 << 10, /* the unit of readability; a chunk has 64, one bit each */
  LENS_CACHE_CHUNKS = 256,    /* 64 MiB */
  LENS_WISHES = 512           /* chunks remembered that were wanted once */
};

/* A chunk that a small read wanted lately, and where in it. */
struct lens_wish {
  uint64_t number;        /* of the chunk, plus 1 */
  uint32_t offset, nears; /* of the last one; how many before it were near the one before them */
};

struct lens_chunk;
struct lens_cache {
  struct lens_chunk *chunks; /* LENS_CACHE_CHUNKS of them, allocated with the first read */
  uint32_t *table;           /* hash from chunk number to index in `chunks` */
  uint32_t used, newest, oldest;
  uint32_t last; /* the chunk of the last view */
  struct lens_wish wishes[LENS_WISHES];
  uint8_t odd[LENS_GRAIN_BYTES]; /* bytes of a page that is readable in part */
};

/* Forgets all bytes and frees their memory. */
void lens_cache_clear(struct lens_cache *cache);

/* A view of the bytes at `address`, without a copy: at least 1 and at most `bytes` of them, all in
 * one chunk.  Valid until the next call of any function here.  A range that does not cross a
 * multiple of LENS_CHUNK_BYTES and is readable is seen whole. LENS_UNREADABLE (nothing at
 * `address`), LENS_CANCELLED, LENS_NO_MEMORY. */
lens_status lens_view(lens *self, uint64_t address, uint64_t bytes, const uint8_t **data,
                      uint64_t *available);

/* Copies exactly `bytes`, or LENS_UNREADABLE (also when the range wraps around).  `out` is then
 * undefined. */
lens_status lens_fetch(lens *self, uint64_t address, uint64_t bytes, void *out);

/* Copies the readable prefix. */
lens_status lens_fetch_prefix(lens *self, uint64_t address, uint64_t bytes, void *out,
                              uint64_t *read_bytes);

/* One call of the caller's reader, past the cache: for a few bytes that nobody will ask for again.
 */
lens_status lens_read_direct(lens *self, uint64_t address, uint64_t bytes, void *out,
                             uint64_t *read_bytes);

/* The region that holds the address; NULL: none does, or no regions are known.  O(log regions). */
const lens_region *lens_region_at(const lens *self, uint64_t address);

/* The first address >= `address` and < `end` that a region says may be readable (`end` when there
 * is none); without regions: `address`.  For passes that skip over holes. */
uint64_t lens_next_readable(const lens *self, uint64_t address, uint64_t end);

#endif
