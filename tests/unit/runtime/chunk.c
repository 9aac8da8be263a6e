/* Metadata chunks: what is handed out is zeroed, aligned, apart, and found in the chunk list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "internal.h"

/* True when [memory, memory + bytes) lies in the used part of some chunk of the list. */
static bool in_chunks(const cairn_heap *heap, const void *memory, size_t bytes) {
  const char *at = memory;
  for (const struct cairn_chunk *chunk = heap->chunks; chunk != NULL; chunk = chunk->next) {
    const char *start = (const char *)chunk;
    if (at > start && at + bytes <= start + chunk->used_bytes) return true;
  }
  return false;
}

static uint64_t chunk_bytes(const cairn_heap *heap) {
  uint64_t bytes = 0;
  for (const struct cairn_chunk *chunk = heap->chunks; chunk != NULL; chunk = chunk->next) {
    assert_true(chunk->used_bytes <= chunk->bytes);
    bytes += chunk->bytes;
  }
  return bytes;
}

static void heap_lies_in_its_own_chunk(void **state) {
  (void)state;
  cairn_heap *heap = cairn_chunk_heap_new();
  assert_non_null(heap);
  assert_true(in_chunks(heap, heap, sizeof *heap));
  assert_int_equal(heap->metadata_bytes, chunk_bytes(heap));
  cairn_chunk_free_all(heap);
}

static void pieces_are_zeroed_aligned_and_apart(void **state) {
  (void)state;
  enum { COUNT = 2000 };
  static char *pieces[COUNT];
  cairn_heap *heap = cairn_chunk_heap_new();
  for (size_t i = 0; i < COUNT; i++) {
    size_t bytes = 1 + i * 7 % 300;
    pieces[i] = cairn_chunk_alloc(heap, bytes);
    assert_non_null(pieces[i]);
    assert_int_equal((uintptr_t)pieces[i] % 16, 0);
    for (size_t byte = 0; byte < bytes; byte++) assert_int_equal(pieces[i][byte], 0);
    memset(pieces[i], (int)(i % 251), bytes);
    assert_true(in_chunks(heap, pieces[i], bytes));
  }
  for (size_t i = 0; i < COUNT; i++) {
    assert_int_equal((unsigned char)pieces[i][0], i % 251);
    assert_int_equal((unsigned char)pieces[i][i * 7 % 300], i % 251);
  }
  assert_non_null(heap->chunks->next);
  assert_int_equal(heap->metadata_bytes, chunk_bytes(heap));
  cairn_chunk_free_all(heap);
}

static void piece_larger_than_a_chunk(void **state) {
  (void)state;
  cairn_heap *heap = cairn_chunk_heap_new();
  size_t bytes = 5 << 20;
  char *piece = cairn_chunk_alloc(heap, bytes);
  assert_non_null(piece);
  assert_int_equal(piece[bytes - 1], 0);
  assert_true(in_chunks(heap, piece, bytes));
  assert_null(cairn_chunk_alloc(heap, SIZE_MAX));
  assert_null(cairn_chunk_alloc(heap, SIZE_MAX / 2));
  cairn_chunk_free_all(heap);
}

static void limit_counts_chunks(void **state) {
  (void)state;
  cairn_heap *heap = cairn_chunk_heap_new();
  heap->limit_bytes = heap->metadata_bytes + (256 << 10);
  while (cairn_chunk_alloc(heap, 1000) != NULL) {
  }
  assert_true(heap->metadata_bytes <= heap->limit_bytes);
  assert_true(heap->metadata_bytes + (64 << 10) > heap->limit_bytes);
  heap->limit_bytes = 0;
  assert_non_null(cairn_chunk_alloc(heap, 1000));
  cairn_chunk_free_all(heap);
}

static void failed_mapping_changes_nothing(void **state) {
  (void)state;
  cairn_heap *heap = cairn_chunk_heap_new();
  uint64_t before = heap->metadata_bytes;
  cairn_fault.map_after = 1;
  assert_null(cairn_chunk_alloc(heap, 1 << 20));
  assert_null(cairn_chunk_heap_new());
  cairn_fault.map_after = 0;
  assert_int_equal(heap->metadata_bytes, before);
  assert_null(heap->chunks->next);
  assert_non_null(cairn_chunk_alloc(heap, 1 << 20));
  cairn_chunk_free_all(heap);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(heap_lies_in_its_own_chunk),
      cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
      cmocka_unit_test(piece_larger_than_a_chunk),
      cmocka_unit_test(limit_counts_chunks),
      cmocka_unit_test(failed_mapping_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
