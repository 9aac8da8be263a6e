/* Reading target memory in cached chunks.  See reader.h. */
#include "target/reader.h"

#include <assert.h>
#include <string.h>

#include "memory/alloc.h"
#include "model.h"

enum {
  GRAINS = LENS_CHUNK_BYTES / LENS_GRAIN_BYTES,
  BUCKETS = 2 * LENS_CACHE_CHUNKS,
  NEAR_BYTES = 2 << 10, /* small reads that are so near each other are of one piece */
  NEARS = 3             /* ... where there are so many of them in a row */
};
_Static_assert(GRAINS == 64, "one bit a grain in 64-bit masks");

/* Chunks stand in two lists by index: a hash chain, and the order of use. */
struct lens_chunk {
  uint64_t number; /* address / LENS_CHUNK_BYTES */
  uint64_t whole;  /* grains that `bytes` holds */
  uint64_t hole;   /* grains of which nothing can be read; neither: read directly */
  uint8_t *bytes;
  uint32_t chain, newer, older;
};

static uint32_t bucket_of(uint64_t number) {
  return (uint32_t)((number * 0x9e3779b97f4a7c15u) >> 32) % BUCKETS;
}

void lens_cache_clear(struct lens_cache *cache) {
  for (uint32_t i = 0; i < cache->used; i++) lens_dealloc(cache->chunks[i].bytes);
  lens_dealloc(cache->chunks);
  lens_dealloc(cache->table);
  cache->chunks = NULL;
  cache->table = NULL;
  cache->used = 0;
  memset(cache->wishes, 0, sizeof cache->wishes);
}

static lens_status prepare(struct lens_cache *cache) {
  if (cache->table != NULL) return LENS_OK;
  struct lens_chunk *chunks = lens_alloc_zeroed(LENS_CACHE_CHUNKS, sizeof *chunks);
  uint32_t *table = lens_alloc(BUCKETS * sizeof *table);
  if (chunks == NULL || table == NULL) {
    lens_dealloc(chunks);
    lens_dealloc(table);
    return LENS_NO_MEMORY;
  }
  for (uint32_t i = 0; i < BUCKETS; i++) table[i] = LENS_NONE;
  cache->chunks = chunks;
  cache->table = table;
  cache->used = 0;
  cache->newest = cache->oldest = cache->last = LENS_NONE;
  return LENS_OK;
}

static void unlink_use(struct lens_cache *cache, uint32_t index) {
  const struct lens_chunk *chunk = &cache->chunks[index];
  if (chunk->newer != LENS_NONE) cache->chunks[chunk->newer].older = chunk->older;
  if (chunk->older != LENS_NONE) cache->chunks[chunk->older].newer = chunk->newer;
  if (cache->newest == index) cache->newest = chunk->older;
  if (cache->oldest == index) cache->oldest = chunk->newer;
}

static void link_newest(struct lens_cache *cache, uint32_t index) {
  struct lens_chunk *chunk = &cache->chunks[index];
  chunk->newer = LENS_NONE;
  chunk->older = cache->newest;
  if (cache->newest != LENS_NONE) cache->chunks[cache->newest].newer = index;
  cache->newest = index;
  if (cache->oldest == LENS_NONE) cache->oldest = index;
}

static void link_oldest(struct lens_cache *cache, uint32_t index) {
  struct lens_chunk *chunk = &cache->chunks[index];
  chunk->older = LENS_NONE;
  chunk->newer = cache->oldest;
  if (cache->oldest != LENS_NONE) cache->chunks[cache->oldest].older = index;
  cache->oldest = index;
  if (cache->newest == LENS_NONE) cache->newest = index;
}

static void unchain(struct lens_cache *cache, uint32_t index) {
  uint32_t *link = &cache->table[bucket_of(cache->chunks[index].number)];
  while (*link != index) {
    if (*link == LENS_NONE) return; /* a chunk that was never filled */
    link = &cache->chunks[*link].chain;
  }
  *link = cache->chunks[index].chain;
}

/* A chunk to fill, in no chain and in no order of use: a new one or the least recently used. */
static lens_status take_chunk(struct lens_cache *cache, uint32_t *index) {
  if (cache->used < LENS_CACHE_CHUNKS) {
    uint8_t *bytes = lens_alloc(LENS_CHUNK_BYTES);
    if (bytes != NULL) {
      cache->chunks[cache->used].bytes = bytes;
      *index = cache->used++;
      return LENS_OK;
    }
    if (cache->used == 0) return LENS_NO_MEMORY;
  }
  *index = cache->oldest;
  unlink_use(cache, *index);
  unchain(cache, *index);
  return LENS_OK;
}

/* One question to the reader.  A callback in an interpreter may be broken off anywhere: before its
 * first line it comes back as if all were well, with no length stored; later with any number. */
static lens_status ask(lens *self, uint64_t address, uint64_t bytes, void *out,
                       uint64_t *read_bytes) {
  uint64_t got = UINT64_MAX;
  lens_status status = self->reader.read(self->reader.context, address, bytes, out, &got);
  if (status != LENS_OK || got == UINT64_MAX)
    return lens_fail(self, LENS_CANCELLED, "the reader was broken off");
  *read_bytes = got < bytes ? got : bytes;
  return LENS_OK;
}

/* Reads grains [grain, end) of a chunk.  A reader may fail as a whole where a part is unreadable,
 * so a failed attempt is halved down to one grain, and grows again behind a hole. */
static lens_status fill_grains(lens *self, struct lens_chunk *chunk, uint32_t grain, uint32_t end) {
  uint64_t base = chunk->number * LENS_CHUNK_BYTES;
  uint32_t step = end - grain;
  while (grain < end) {
    uint32_t wanted = step < end - grain ? step : end - grain;
    uint64_t offset = (uint64_t)grain * LENS_GRAIN_BYTES;
    uint64_t got = 0;
    lens_status status =
        ask(self, base + offset, (uint64_t)wanted * LENS_GRAIN_BYTES, chunk->bytes + offset, &got);
    if (status != LENS_OK) return status;
    uint32_t whole = (uint32_t)(got / LENS_GRAIN_BYTES);
    for (uint32_t i = 0; i < whole; i++) chunk->whole |= 1ull << (grain + i);
    grain += whole;
    if (whole == wanted) {
      step = wanted * 2;
    } else if (wanted > 1) {
      step = whole > 0 ? 1 : wanted / 2;
    } else {
      if (got == 0) chunk->hole |= 1ull << grain;
      grain++;
    }
  }
  return LENS_OK;
}

/* The index of the first region that ends behind `address`. */
static size_t region_behind(const lens *self, uint64_t address) {
  size_t low = 0, high = self->region_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (self->regions[middle].end > address)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

const lens_region *lens_region_at(const lens *self, uint64_t address) {
  size_t index = region_behind(self, address);
  if (index == self->region_count || address < self->regions[index].start) return NULL;
  return &self->regions[index];
}

static bool is_readable(const lens_region *region) {
  return (region->flags & LENS_REGION_READ) != 0 && (region->flags & LENS_REGION_ABSENT) == 0;
}

static lens_status fill(lens *self, struct lens_chunk *chunk) {
  chunk->whole = chunk->hole = 0;
  if (self->region_count == 0) {
    lens_status status = fill_grains(self, chunk, 0, GRAINS);
    chunk->hole = 0; /* without a map a grain may be mapped in part behind its start */
    return status;
  }
  /* Region by region, so that a hole behind one does not spoil the read of it. */
  uint64_t base = chunk->number * LENS_CHUNK_BYTES;
  uint64_t last = base + (LENS_CHUNK_BYTES - 1);
  for (size_t i = region_behind(self, base);
       i < self->region_count && self->regions[i].start <= last; i++) {
    const lens_region *region = &self->regions[i];
    if (!is_readable(region)) continue;
    uint64_t start = region->start > base ? region->start - base : 0;
    uint64_t end = region->end - 1 < last ? region->end - base : LENS_CHUNK_BYTES;
    uint32_t grain = (uint32_t)((start + LENS_GRAIN_BYTES - 1) / LENS_GRAIN_BYTES);
    uint32_t end_grain = (uint32_t)(end / LENS_GRAIN_BYTES);
    if (grain >= end_grain) continue;
    lens_status status = fill_grains(self, chunk, grain, end_grain);
    if (status != LENS_OK) return status;
  }
  return LENS_OK;
}

static lens_status chunk_of(lens *self, uint64_t address, const struct lens_chunk **out) {
  struct lens_cache *cache = &self->cache;
  lens_status status = prepare(cache);
  if (status != LENS_OK) return status;
  uint64_t number = address / LENS_CHUNK_BYTES;
  if (cache->last != LENS_NONE && cache->chunks[cache->last].number == number) {
    *out = &cache->chunks[cache->last];
    return LENS_OK;
  }
  uint32_t index = cache->table[bucket_of(number)];
  while (index != LENS_NONE && cache->chunks[index].number != number) {
    index = cache->chunks[index].chain;
  }
  if (index != LENS_NONE) {
    unlink_use(cache, index);
  } else {
    cache->last = LENS_NONE;
    status = take_chunk(cache, &index);
    if (status != LENS_OK) return status;
    struct lens_chunk *chunk = &cache->chunks[index];
    chunk->number = number;
    chunk->chain = LENS_NONE;
    status = fill(self, chunk);
    if (status != LENS_OK) {
      link_oldest(cache, index); /* in no chain: never found, first to be taken */
      return status;
    }
    chunk->chain = cache->table[bucket_of(number)];
    cache->table[bucket_of(number)] = index;
  }
  link_newest(cache, index);
  cache->last = index;
  *out = &cache->chunks[index];
  return LENS_OK;
}

lens_status lens_view(lens *self, uint64_t address, uint64_t bytes, const uint8_t **data,
                      uint64_t *available) {
  assert(bytes != 0);
  const struct lens_chunk *chunk = NULL;
  lens_status status = chunk_of(self, address, &chunk);
  if (status != LENS_OK) return status;
  uint64_t offset = address % LENS_CHUNK_BYTES;
  uint32_t grain = (uint32_t)(offset / LENS_GRAIN_BYTES);
  uint64_t in_grain = offset % LENS_GRAIN_BYTES;
  uint64_t missing =
      ~(chunk->whole >> grain); /* its lowest bit: the first grain that is not whole */
  uint32_t run = missing == 0 ? GRAINS : (uint32_t)__builtin_ctzll(missing);
  if (run > GRAINS - grain) run = GRAINS - grain;
  if (run > 0) {
    uint64_t seen = (uint64_t)run * LENS_GRAIN_BYTES - in_grain;
    *available = seen < bytes ? seen : bytes;
    *data = chunk->bytes + offset;
    return LENS_OK;
  }
  if ((chunk->hole >> grain & 1) != 0) return LENS_UNREADABLE;
  uint64_t wanted = LENS_GRAIN_BYTES - in_grain;
  if (wanted > bytes) wanted = bytes;
  uint64_t got = 0;
  status = lens_read_direct(self, address, wanted, self->cache.odd, &got);
  if (status != LENS_OK) return status;
  if (got == 0) return LENS_UNREADABLE;
  *available = got;
  *data = self->cache.odd;
  return LENS_OK;
}

lens_status lens_read_direct(lens *self, uint64_t address, uint64_t bytes, void *out,
                             uint64_t *read_bytes) {
  return ask(self, address, bytes, out, read_bytes);
}

static bool is_cached(const struct lens_cache *cache, uint64_t number) {
  if (cache->table == NULL) return false;
  uint32_t index = cache->table[bucket_of(number)];
  while (index != LENS_NONE && cache->chunks[index].number != number) {
    index = cache->chunks[index].chain;
  }
  return index != LENS_NONE;
}

static bool is_in_one_region(const lens *self, uint64_t address, uint64_t bytes) {
  if (self->region_count == 0) return true;
  const lens_region *region = lens_region_at(self, address);
  return region != NULL && is_readable(region) && address + bytes <= region->end;
}

/* Whether a small read is best done alone; remembers it.  Where there is room, the second one of a
 * chunk fetches it.  Where another chunk would have to go, NEARS in a row that are near each other
 * do: of reads anywhere in a chunk one of a hundred is near the one before it by chance, and as
 * many whole chunks would cost more than all of them alone. */
static bool is_stray(lens *self, uint64_t address, uint64_t bytes) {
  struct lens_cache *cache = &self->cache;
  uint64_t number = address / LENS_CHUNK_BYTES, offset = address % LENS_CHUNK_BYTES;
  if (bytes > LENS_GRAIN_BYTES || offset + bytes > LENS_CHUNK_BYTES) return false;
  if (is_cached(cache, number) || !is_in_one_region(self, address, bytes)) return false;
  struct lens_wish *wish = &cache->wishes[bucket_of(number) % LENS_WISHES];
  bool again = wish->number == number + 1;
  bool near = again && offset - wish->offset + NEAR_BYTES <= 2 * (uint64_t)NEAR_BYTES;
  uint32_t nears = near ? wish->nears + 1 : 0;
  *wish = (struct lens_wish){number + 1, (uint32_t)offset, nears};
  return cache->used < LENS_CACHE_CHUNKS ? !again : nears < NEARS;
}

lens_status lens_fetch_prefix(lens *self, uint64_t address, uint64_t bytes, void *out,
                              uint64_t *read_bytes) {
  uint64_t done = 0;
  if (bytes > UINT64_MAX - address) bytes = UINT64_MAX - address;
  if (bytes != 0 && is_stray(self, address, bytes)) {
    return lens_read_direct(self, address, bytes, out, read_bytes);
  }
  while (done < bytes) {
    const uint8_t *data = NULL;
    uint64_t available = 0;
    lens_status status = lens_view(self, address + done, bytes - done, &data, &available);
    if (status == LENS_UNREADABLE) break;
    if (status != LENS_OK) return status;
    memcpy((uint8_t *)out + done, data, (size_t)available);
    done += available;
  }
  *read_bytes = done;
  return LENS_OK;
}

lens_status lens_fetch(lens *self, uint64_t address, uint64_t bytes, void *out) {
  uint64_t done = 0;
  lens_status status = lens_fetch_prefix(self, address, bytes, out, &done);
  if (status == LENS_OK && done < bytes) status = LENS_UNREADABLE;
  return status;
}

uint64_t lens_next_readable(const lens *self, uint64_t address, uint64_t end) {
  if (self->region_count == 0) return address < end ? address : end;
  for (size_t i = region_behind(self, address); i < self->region_count; i++) {
    const lens_region *region = &self->regions[i];
    if (region->start >= end) return end;
    if (is_readable(region)) return region->start > address ? region->start : address;
  }
  return end;
}

lens_status lens_read(lens *self, uint64_t address, uint64_t bytes, void *out,
                      uint64_t *read_bytes) {
  return lens_fetch_prefix(self, address, bytes, out, read_bytes);
}
