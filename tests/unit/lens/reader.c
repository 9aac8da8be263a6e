/* The cached reader over made-up memory: holes, ends within a page, readers of both manners,
 * eviction. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "model.h"

/* Memory whose bytes follow from their address, readable in a few ranges. */
struct memory {
  struct lens_range ranges[4];
  size_t count;
  bool all_or_nothing; /* as GDB reads: a range with a hole in it gives nothing */
  uint64_t reads;
  lens_status broken_status; /* what read_or_not returns where it gives no answer */
};

static uint8_t byte_at(uint64_t address) {
  return (uint8_t)((address * 0x9e3779b97f4a7c15u) >> 56);
}

static lens_status read_memory(void *context, uint64_t address, uint64_t bytes, void *out,
                               uint64_t *read_bytes) {
  struct memory *memory = context;
  memory->reads++;
  *read_bytes = 0;
  for (size_t i = 0; i < memory->count; i++) {
    if (address < memory->ranges[i].start || address >= memory->ranges[i].end) continue;
    uint64_t room = memory->ranges[i].end - address;
    uint64_t got = bytes < room ? bytes : room;
    if (memory->all_or_nothing && got < bytes) return LENS_OK;
    for (uint64_t k = 0; k < got; k++) ((uint8_t *)out)[k] = byte_at(address + k);
    *read_bytes = got;
    return LENS_OK;
  }
  return LENS_OK;
}

/* As a callback that was broken off, every second time: OK and no length, or a length and a status
 * that is none. */
static lens_status read_or_not(void *context, uint64_t address, uint64_t bytes, void *out,
                               uint64_t *read_bytes) {
  struct memory *memory = context;
  if (memory->reads % 2 == 0) {
    memory->reads++;
    if (memory->broken_status != LENS_OK) *read_bytes = bytes;
    return memory->broken_status;
  }
  return read_memory(context, address, bytes, out, read_bytes);
}

static lens *lens_of(struct memory *memory, bool with_regions) {
  const lens_reader reader = {.context = memory, .read = read_memory};
  lens *self = NULL;
  assert_int_equal(lens_new(&reader, &self), LENS_OK);
  for (size_t i = 0; with_regions && i < memory->count; i++) {
    lens_region region = {
        .start = memory->ranges[i].start, .end = memory->ranges[i].end, .flags = LENS_REGION_READ};
    assert_int_equal(lens_region_add(self, &region), LENS_OK);
  }
  return self;
}

/* Reads [start, start + bytes) and compares each byte and the length of the readable prefix. */
static void assert_read(lens *self, const struct memory *memory, uint64_t start, uint64_t bytes) {
  static uint8_t out[1 << 20];
  uint64_t wanted = 0;
  for (size_t i = 0; i < memory->count; i++) { /* ranges are sorted and may touch */
    uint64_t at = start + wanted;
    if (at >= memory->ranges[i].start && at < memory->ranges[i].end) {
      wanted = memory->ranges[i].end - start;
    }
  }
  if (wanted > bytes) wanted = bytes;
  uint64_t got = 77;
  assert_true(bytes <= sizeof out);
  assert_int_equal(lens_read(self, start, bytes, out, &got), LENS_OK);
  assert_int_equal(got, wanted);
  for (uint64_t i = 0; i < got; i++) assert_int_equal(out[i], byte_at(start + i));
}

static void holes_in_all_manners(void **state) {
  (void)state;
  for (int manner = 0; manner < 4; manner++) {
    struct memory memory = {
        .ranges = {{0x10000, 0x13000}, {0x14000, 0x14abc}, {0x40123, 0x90000}, {0x90000, 0x91000}},
        .count = 4,
        .all_or_nothing = (manner & 1) != 0};
    bool with_regions = (manner & 2) != 0;
    lens *self = lens_of(&memory, with_regions);
    assert_read(self, &memory, 0x10000, 0x3000);
    assert_read(self, &memory, 0x10ff0, 0x8000); /* ends at the hole */
    assert_read(self, &memory, 0x13000, 16);     /* in the hole */
    assert_read(self, &memory, 0x0, 16);
    if (!memory.all_or_nothing) {
      assert_read(self, &memory, 0x14000, 0x1000); /* ends within a page */
      assert_read(self, &memory, 0x14ab0, 0x100);
      assert_read(self, &memory, 0x8ff00, 0x2000); /* across two ranges */
    }
    assert_read(self, &memory, 0x14abc, 4);
    assert_read(self, &memory, 0x40123, 8); /* begins within a page */
    assert_read(self, &memory, 0x41000, 0x4e000);
    lens_free(self);
  }
}

static void fetch_is_all_or_nothing(void **state) {
  (void)state;
  struct memory memory = {.ranges = {{0x10000, 0x11000}}, .count = 1};
  lens *self = lens_of(&memory, true);
  uint8_t out[16];
  assert_int_equal(lens_fetch(self, 0x10ff0, 16, out), LENS_OK);
  assert_int_equal(lens_fetch(self, 0x10ff1, 16, out), LENS_UNREADABLE);
  assert_int_equal(lens_fetch(self, UINT64_MAX - 3, 16, out), LENS_UNREADABLE);
  lens_free(self);
}

static void bytes_are_read_once(void **state) {
  (void)state;
  struct memory memory = {.ranges = {{0x100000, 0x200000}}, .count = 1};
  lens *self = lens_of(&memory, true);
  for (int pass = 0; pass < 3; pass++) assert_read(self, &memory, 0x100000, 0x100000);
  assert_int_equal(memory.reads, 0x100000 / LENS_CHUNK_BYTES);
  lens_refresh(self);
  assert_read(self, &memory, 0x100000, 16);
  assert_int_equal(memory.reads, 0x100000 / LENS_CHUNK_BYTES + 1);
  lens_free(self);
}

/* More memory than the cache holds: what was used last is kept, the rest is read again. */
static void cache_is_bounded(void **state) {
  (void)state;
  const uint64_t start = 1ull << 32;
  const uint64_t chunks = LENS_CACHE_CHUNKS + 10;
  struct memory memory = {.ranges = {{start, start + chunks * LENS_CHUNK_BYTES}}, .count = 1};
  lens *self = lens_of(&memory, true);
  const uint64_t much = 2 * LENS_GRAIN_BYTES; /* enough to be worth a chunk */
  for (uint64_t i = 0; i < chunks; i++) {
    assert_read(self, &memory, start, much); /* stays the most recently used but one */
    assert_read(self, &memory, start + i * LENS_CHUNK_BYTES + 100, much);
  }
  assert_int_equal(memory.reads, chunks);
  assert_int_equal(self->cache.used, LENS_CACHE_CHUNKS);
  assert_read(self, &memory, start, much);
  assert_int_equal(memory.reads, chunks);
  assert_read(self, &memory, start + LENS_CHUNK_BYTES, much); /* was dropped long ago */
  assert_int_equal(memory.reads, chunks + 1);
  lens_free(self);
}

/* Small reads: alone at first; a second one while there is room, or neighbours in a row, fetch the
 * chunk. */
static void stray_reads_fetch_no_chunk(void **state) {
  (void)state;
  const uint64_t start = 1ull << 32, chunks = 4 * LENS_CACHE_CHUNKS;
  struct memory memory = {.ranges = {{start, start + chunks * LENS_CHUNK_BYTES}}, .count = 1};
  lens *self = lens_of(&memory, true);
  assert_read(self, &memory, start + 100, 40);
  assert_int_equal(self->cache.used, 0);
  assert_read(self, &memory, start + 200000, 40);
  assert_int_equal(self->cache.used, 1);
  assert_read(self, &memory, start + 100, 40);
  assert_int_equal(memory.reads, 2);
  for (uint64_t i = 0; i < chunks; i++) { /* the cache fills */
    assert_read(self, &memory, start + i * LENS_CHUNK_BYTES, 2 * LENS_GRAIN_BYTES);
  }
  assert_int_equal(self->cache.used, LENS_CACHE_CHUNKS);
  uint64_t before = memory.reads;
  assert_read(self, &memory, start + 100, 40);
  assert_read(self, &memory, start + 200000, 40);
  assert_read(self, &memory, start + 100, 40);
  assert_int_equal(memory.reads, before + 3); /* each alone */
  assert_read(self, &memory, start + 140, 40);
  assert_read(self, &memory, start + 180, 40);
  assert_read(self, &memory, start + 200000, 40);
  assert_int_equal(memory.reads, before + 6); /* neighbours by chance */
  for (uint64_t i = 1; i <= 4; i++) assert_read(self, &memory, start + 200000 + 40 * i, 40);
  assert_int_equal(memory.reads, before + 9); /* the third neighbour in a row fetched the chunk */
  assert_read(self, &memory, start + 100, 40);
  assert_int_equal(memory.reads, before + 9);
  lens_free(self);
}

static void regions_are_sorted_and_do_not_overlap(void **state) {
  (void)state;
  struct memory memory = {.count = 0};
  lens *self = lens_of(&memory, false);
  const lens_region regions[] = {{.start = 0x5000, .end = 0x6000, .flags = 1, .name = "first"},
                                 {.start = 0x1000, .end = 0x2000, .flags = 2, .name = "low"},
                                 {.start = 0x0800, .end = 0x8000, .flags = 4, .name = "over all"}};
  for (size_t i = 0; i < 3; i++) assert_int_equal(lens_region_add(self, &regions[i]), LENS_OK);
  lens_region empty = {.start = 8, .end = 8};
  assert_int_equal(lens_region_add(self, &empty), LENS_BAD_ARGUMENT);
  const struct {
    uint64_t start, end;
    const char *name;
  } wanted[] = {{0x800, 0x1000, "over all"},
                {0x1000, 0x2000, "low"},
                {0x2000, 0x5000, "over all"},
                {0x5000, 0x6000, "first"},
                {0x6000, 0x8000, "over all"}};
  assert_int_equal(lens_region_count(self), 5);
  for (uint64_t i = 0; i < 5; i++) {
    lens_region region;
    assert_int_equal(lens_region_get(self, i, &region), LENS_OK);
    assert_int_equal(region.start, wanted[i].start);
    assert_int_equal(region.end, wanted[i].end);
    assert_string_equal(region.name, wanted[i].name);
  }
  assert_int_equal(lens_region_get(self, 5, &empty), LENS_NOT_FOUND);
  lens_regions_clear(self);
  assert_int_equal(lens_region_count(self), 0);
  lens_free(self);
}

static void no_answer_is_no_unreadable_memory(void **state) {
  (void)state;
  struct memory memory = {.ranges = {{0x10000, 0x200000}}, .count = 1};
  const lens_reader reader = {.context = &memory, .read = read_or_not};
  lens *self = NULL;
  assert_int_equal(lens_new(&reader, &self), LENS_OK);
  static uint8_t out[LENS_CHUNK_BYTES];
  for (uint64_t bytes = 8; bytes <= sizeof out; bytes *= 8) {
    uint64_t got = 77;
    memory.broken_status = bytes % 16 == 8 ? LENS_OK : (lens_status)(12345 - bytes);
    memory.reads = 0;
    assert_int_equal(lens_read(self, 0x100000, bytes, out, &got), LENS_CANCELLED);
    assert_int_equal(got, 77);
    memory.reads = 1;
    assert_int_equal(lens_read(self, 0x100000, bytes, out, &got), LENS_OK);
    assert_int_equal(got, bytes);
    lens_refresh(self);
  }
  lens_free(self);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(holes_in_all_manners),
      cmocka_unit_test(fetch_is_all_or_nothing),
      cmocka_unit_test(bytes_are_read_once),
      cmocka_unit_test(cache_is_bounded),
      cmocka_unit_test(stray_reads_fetch_no_chunk),
      cmocka_unit_test(regions_are_sorted_and_do_not_overlap),
      cmocka_unit_test(no_answer_is_no_unreadable_memory),
  };
  return cmocka_run_group_tests_name("lens reader", tests, NULL, NULL);
}
