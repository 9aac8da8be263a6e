/* Blocks: a seeded model of allocations, and what a reader sees between them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../random.h"
#include "hot.h"
#include "internal.h"

/* A bare heap, without built-in types. */
static int set_up(void **state) {
  cairn_heap *heap = cairn_chunk_heap_new();
  if (heap == NULL) return 1;
  heap->self = heap;
  heap->magic = CAIRN_HEAP_MAGIC;
  *state = heap;
  return 0;
}

static int tear_down(void **state) {
  cairn_arena_free_all(*state);
  cairn_chunk_free_all(*state);
  return 0;
}

static const uint64_t buffer_header = CAIRN_STATE(LIVE) | CAIRN_STATE(BUFFER);

static char *buffer_new(cairn_heap *heap, size_t bytes) {
  char *block = cairn_block_new(heap, bytes);
  if (block != NULL) cairn_block_publish(heap, block, buffer_header);
  return block;
}

static uint64_t header_of(const void *block) { return ((const cairn_object *)block)->header; }

static void block_is_zeroed_and_large_enough(void **state) {
  cairn_heap *heap = *state;
  for (int round = 0; round < 2; round++) { /* fresh memory, then reused memory */
    for (size_t bytes = 1; bytes <= 70000; bytes += bytes < 300 ? 1 : 997) {
      char *block = cairn_block_new(heap, bytes);
      assert_non_null(block);
      assert_true(cairn_block_size(block) >= bytes);
      assert_int_equal((uintptr_t)block % (cairn_block_size(block) % 16 == 0 ? 16 : 8), 0);
      for (size_t i = 0; i < bytes; i++) assert_int_equal(block[i], 0);
      cairn_block_publish(heap, block, buffer_header);
      memset(block + 8, 0xee, bytes < 16 ? 8 : bytes - 8);
      cairn_block_free(heap, block);
      assert_int_equal(cairn_counts_of(heap).used_bytes, 0);
    }
  }
}

static void freed_memory_is_reused_hot_first(void **state) {
  cairn_heap *heap = *state;
  char *a = buffer_new(heap, 48);
  char *b = buffer_new(heap, 48);
  char *c = buffer_new(heap, 48);
  cairn_block_free(heap, a);
  cairn_block_free(heap, c);
  assert_ptr_equal(buffer_new(heap, 48), c);
  assert_ptr_equal(buffer_new(heap, 48), a);
  assert_ptr_equal(buffer_new(heap, 48), b + 48 * 2);
}

static void header_says_free_live_free(void **state) {
  cairn_heap *heap = *state;
  char *block = cairn_block_new(heap, 32);
  assert_int_equal(header_of(block), 0);
  assert_int_equal(heap->buffer_count, 0);
  cairn_block_publish(heap, block, buffer_header);
  assert_int_equal(header_of(block), buffer_header);
  assert_int_equal(heap->buffer_count, 1);
  cairn_block_free(heap, block);
  assert_int_equal(header_of(block), 0);
  assert_int_equal(heap->buffer_count, 0);
}

static void unpublished_block_may_be_freed(void **state) {
  cairn_heap *heap = *state;
  cairn_block_free(heap, cairn_block_new(heap, 100));
  cairn_block_free(heap, cairn_block_new(heap, 100000));
  assert_int_equal(cairn_counts_of(heap).used_bytes, 0);
  assert_int_equal(cairn_counts_of(heap).object_count, 0);
  assert_int_equal(cairn_counts_of(heap).made_count, 2);
  assert_null(cairn_heap_validate(heap));
}

/* A page that held one size is set up for another: below `fresh` no stale header may show. */
static void page_of_another_class_has_truthful_headers(void **state) {
  cairn_heap *heap = *state;
  enum { COUNT = CAIRN_PAGE_BYTES / 16 * 3 };
  static char *blocks[COUNT];
  for (int i = 0; i < COUNT; i++) {
    blocks[i] = buffer_new(heap, 16);
    if (blocks[i] == NULL) abort(); /* an assertion of cmocka's would not tell the compiler */
    memset(blocks[i] + 8, 0xff, 8);
  }
  for (int i = 0; i < COUNT; i++) {
    /* What a wild program may have left behind: a header that looks live. */
    cairn_block_free(heap, blocks[i]);
    memset(blocks[i], 0xff, 8);
  }
  for (int i = 0; i < 10; i++) {
    /* Handed out, not yet published: this is what a reader must take for a dead block. */
    char *block = cairn_block_new(heap, 40);
    const struct cairn_page *page = cairn_page_of(block);
    assert_int_equal(page->block_bytes, 40);
    const char *memory = cairn_page_memory(cairn_arena_of(page), page);
    assert_true(memory[CAIRN_PAGE_BYTES - 16] != 0); /* the page was used before */
    for (uint32_t b = 0; b < page->fresh; b++) {
      assert_int_equal(header_of(memory + b * page->block_bytes), 0);
    }
  }
}

static void empty_pages_go_back_but_one_a_class(void **state) {
  cairn_heap *heap = *state;
  enum { COUNT = CAIRN_PAGE_BYTES / 64 * 10 };
  static char *blocks[COUNT];
  for (int i = 0; i < COUNT; i++) blocks[i] = buffer_new(heap, 64);
  assert_int_equal(heap->page_free_count, CAIRN_ARENA_PAGES - 1 - 10);
  assert_null(heap->class_pages[cairn_size_class_of(64)]);
  for (int i = 0; i < COUNT; i++) cairn_block_free(heap, blocks[i]);
  assert_in_range(heap->page_free_count, CAIRN_ARENA_PAGES - 1 - 3, CAIRN_ARENA_PAGES - 1 - 1);
  cairn_hot_flush(heap);
  assert_int_equal(heap->page_free_count, CAIRN_ARENA_PAGES - 1 - 1);
  assert_int_equal(cairn_counts_of(heap).used_bytes, 0);
}

static void large_block_spans_pages(void **state) {
  cairn_heap *heap = *state;
  char *block = buffer_new(heap, 100000);
  struct cairn_page *page = cairn_page_of(block);
  assert_int_equal(page->kind, CAIRN_PAGE_LARGE);
  assert_int_equal(page->span_pages, 4);
  assert_int_equal(page->block_bytes, 4 * CAIRN_PAGE_BYTES);
  for (uint32_t i = 1; i < 4; i++) {
    assert_int_equal(page[i].kind, CAIRN_PAGE_LARGE_TAIL);
    assert_int_equal(page[i].span_pages, i);
  }
  assert_int_equal(cairn_counts_of(heap).used_bytes, 4 * CAIRN_PAGE_BYTES);
  cairn_block_free(heap, block);
  for (uint32_t i = 0; i < 4; i++) assert_int_equal(page[i].kind, CAIRN_PAGE_FREE);
}

static void huge_block_has_an_arena_of_its_own(void **state) {
  cairn_heap *heap = *state;
  size_t bytes = 50 << 20;
  char *block = buffer_new(heap, bytes);
  assert_true(cairn_block_size(block) >= bytes);
  assert_int_equal(cairn_counts_of(heap).used_bytes, cairn_block_size(block));
  assert_null(cairn_heap_validate(heap));
  cairn_block_free(heap, block);
  assert_int_equal(heap->reserved_bytes, 0);
  assert_true(heap->returned_bytes >= bytes);
}

static void impossible_sizes_fail(void **state) {
  cairn_heap *heap = *state;
  assert_null(cairn_block_new(heap, SIZE_MAX));
  assert_null(cairn_block_new(heap, SIZE_MAX / 2));
  assert_null(cairn_block_new(heap, (size_t)1 << 46));
  assert_int_equal(cairn_counts_of(heap).used_bytes, 0);
  assert_null(cairn_heap_validate(heap));
}

/* ---- a model --------------------------------------------------------------------------------- */

enum { MODEL_SLOTS = 3000, MODEL_STEPS = 60000 };

struct model {
  unsigned char *block;
  size_t bytes;
  unsigned char fill;
};

static size_t random_size(uint64_t *seed) {
  switch (random_next(seed) % 20) {
    case 0:
      return 1 + random_next(seed) % 200000;
    case 1:
    case 2:
      return 1 + random_next(seed) % 20000;
    default:
      return 1 + random_next(seed) % 300;
  }
}

static void model_check(const struct model *model) {
  assert_int_equal(header_of(model->block), buffer_header);
  for (size_t i = 8; i < model->bytes; i++) {
    if (model->block[i] != model->fill) fail_msg("a block was overwritten at %zu", i);
  }
}

/* Random allocations and deaths: contents stay apart, counters and lists stay true. */
static void random_allocations(void **state) {
  cairn_heap *heap = *state;
  static struct model models[MODEL_SLOTS];
  uint64_t seed = 0x5eed0001;
  printf("seed %#llx\n", (unsigned long long)seed);
  uint64_t live = 0, used = 0, made = 0;
  for (int step = 0; step < MODEL_STEPS; step++) {
    struct model *model = &models[random_next(&seed) % MODEL_SLOTS];
    if (model->block == NULL) {
      model->bytes = random_size(&seed);
      model->fill = (unsigned char)(1 + step % 255);
      model->block = (unsigned char *)buffer_new(heap, model->bytes);
      assert_non_null(model->block);
      memset(model->block + 8, model->fill, model->bytes > 8 ? model->bytes - 8 : 0);
      live++;
      made++;
      used += cairn_block_size(model->block);
    } else {
      model_check(model);
      live--;
      used -= cairn_block_size(model->block);
      cairn_block_free(heap, model->block);
      model->block = NULL;
    }
    assert_int_equal(heap->buffer_count, live);
    assert_int_equal(cairn_counts_of(heap).used_bytes, used);
    if (step % 5000 == 0) assert_null(cairn_heap_validate(heap));
  }
  for (int i = 0; i < MODEL_SLOTS; i++) {
    if (models[i].block == NULL) continue;
    model_check(&models[i]);
    cairn_block_free(heap, models[i].block);
  }
  assert_null(cairn_heap_validate(heap));
  assert_int_equal(cairn_counts_of(heap).used_bytes, 0);
  assert_true(heap->block_bytes > 0);
  cairn_hot_flush(heap);
  assert_null(cairn_heap_validate(heap));
  assert_int_equal(heap->block_bytes, 0);
  cairn_pages_trim(heap);
  assert_null(cairn_heap_validate(heap));
  assert_int_equal(heap->arena_count, 0);
  assert_true(heap->returned_bytes > 0);
  assert_int_equal(cairn_counts_of(heap).made_count, made);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(block_is_zeroed_and_large_enough),
      TEST(freed_memory_is_reused_hot_first),
      TEST(header_says_free_live_free),
      TEST(unpublished_block_may_be_freed),
      TEST(page_of_another_class_has_truthful_headers),
      TEST(empty_pages_go_back_but_one_a_class),
      TEST(large_block_spans_pages),
      TEST(huge_block_has_an_arena_of_its_own),
      TEST(impossible_sizes_fail),
      TEST(random_allocations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
