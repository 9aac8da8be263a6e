/* bytes. */
#include "builtin_test.h"

static void data_comes_back(void **state) {
  cairn_heap *heap = *state;
  const unsigned char data[] = {0, 255, 1, 0};
  cairn_object *bytes = cairn_bytes_new(heap, data, sizeof(data));
  assert_int_equal(cairn_bytes_size(bytes), sizeof(data));
  assert_memory_equal(cairn_bytes_data(bytes), data, sizeof(data));
  assert_int_equal((uintptr_t)cairn_bytes_data(bytes) % 8, 0);
  cairn_object *empty = cairn_bytes_new(heap, NULL, 0);
  assert_int_equal(cairn_bytes_size(empty), 0);
  cairn_release(bytes);
  cairn_release(empty);
}

static void memory_can_be_out(void **state) {
  cairn_heap *heap = *state;
  blocks_fail_after(heap, 1);
  assert_null(cairn_bytes_new(heap, "x", 1));
  blocks_fail_after(heap, 0);
  assert_null(cairn_bytes_new(heap, "x", SIZE_MAX - 8));
}

int main(void) {
  const struct CMUnitTest tests[] = {WITH_HEAP(data_comes_back), WITH_HEAP(memory_can_be_out)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
