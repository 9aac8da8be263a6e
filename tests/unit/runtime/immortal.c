/* Objects that are never freed are never written to: their pages are read-only while programs work
 * with them, and a write would end the test. */
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "nodes.h"

enum { FILLERS = 3 * CAIRN_PAGE_BYTES / CAIRN_BLOCK_MIN_BYTES, THREADS = 4, ROUNDS = 2000 };

/* Other objects fill the rest of the pages in which the immortals lie, and stay there untouched. */
struct guarded {
  cairn_heap *heap;
  cairn_object *fillers[FILLERS];
};

/* none, the bools and the small ints. */
static cairn_object *immortal(cairn_heap *heap, int index) {
  if (index == 0) return cairn_none(heap);
  if (index <= 2) return cairn_bool(heap, index == 1);
  return cairn_int_new(heap, index - 8);
}
enum { IMMORTALS = 3 + 262 };

static void protect(cairn_heap *heap, int protection) {
  size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
  for (int i = 0; i < IMMORTALS; i++) {
    const cairn_object *object = immortal(heap, i);
    assert_true(cairn_is_immortal(object));
    uintptr_t page = (uintptr_t)object & ~(page_bytes - 1);
    assert_int_equal(mprotect((void *)page, page_bytes, protection), 0);
  }
}

static struct guarded *guarded_new(bool shared) {
  struct guarded *guarded = calloc(1, sizeof *guarded);
  guarded->heap = cairn_heap_new(&(cairn_heap_options){.shared = shared});
  assert_non_null(guarded->heap);
  for (int i = 0; i < FILLERS; i++) {
    guarded->fillers[i] = cairn_int_new(guarded->heap, 1000 + i);
    assert_non_null(guarded->fillers[i]);
  }
  protect(guarded->heap, PROT_READ);
  return guarded;
}

static void guarded_free(struct guarded *guarded) {
  protect(guarded->heap, PROT_READ | PROT_WRITE);
  for (int i = 0; i < FILLERS; i++) cairn_release(guarded->fillers[i]);
  assert_true(cairn_heap_destroy(guarded->heap, NULL));
  free(guarded);
}

/* Puts immortals into everything, a cycle and weak slots too, and drops it. */
static void work(cairn_heap *heap, cairn_heap *immortals, int rounds) {
  for (int i = 0; i < rounds; i++) {
    cairn_object *object = immortal(immortals, i % IMMORTALS);
    cairn_object *list = cairn_list_new(heap, 0);
    cairn_object *dict = cairn_dict_new(heap);
    cairn_object *tuple = cairn_tuple_new(heap, 1, &object);
    cairn_object *weakref = cairn_weakref_new(heap, object);
    assert_true(cairn_list_append(list, object) && cairn_list_append(list, list));
    assert_true(cairn_list_append(list, weakref) && cairn_list_append(list, tuple));
    assert_true(cairn_dict_set(dict, object, object));
    assert_ptr_equal(cairn_weakref_get(weakref), object);
    cairn_retain(object);
    for (int j = 0; j < 4; j++) cairn_release(object);
    cairn_release(weakref);
    cairn_release(tuple);
    cairn_release(dict);
    if (cairn_object_heap(list) == immortals) cairn_list_clear(list); /* no one collects it */
    cairn_release(list);
    if (i % 100 == 0) cairn_collect(heap);
    if (i % 100 == 50) cairn_collect_candidates(heap);
  }
}

static void test_of_one_thread(void **state) {
  struct guarded *guarded = guarded_new(false);
  work(guarded->heap, guarded->heap, ROUNDS);
  cairn_collect(guarded->heap);
  assert_null(cairn_heap_validate(guarded->heap));
  guarded_free(guarded);
}

static void *work_in_thread(void *context) {
  const struct guarded *guarded = context;
  cairn_heap *own = cairn_heap_new(NULL);
  work(own, guarded->heap, ROUNDS);
  work(guarded->heap, guarded->heap, ROUNDS);
  assert_true(cairn_heap_destroy(own, NULL));
  return NULL;
}

static void test_of_all_threads(void **state) {
  struct guarded *guarded = guarded_new(true);
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, work_in_thread, guarded), 0);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  guarded_free(guarded);
}

/* A plain count that reached 2^31 is immortal too: from then on its page is only read. */
static void test_saturated_plain_count(void **state) {
  cairn_heap *heap = cairn_heap_new(NULL);
  static const char data[100000];
  cairn_object *bytes = cairn_bytes_new(heap, data, sizeof data); /* has pages of its own */
  bytes->header = (bytes->header & ~CAIRN_COUNT_MASK) | 0x7fffffff;
  cairn_retain(bytes);
  assert_int_equal(cairn_refcount(bytes), 0x80000000);
  size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
  assert_int_equal(mprotect(bytes, page_bytes, PROT_READ), 0);
  cairn_object *list = cairn_list_new(heap, 0);
  assert_true(cairn_list_append(list, bytes) && cairn_list_append(list, list));
  for (int i = 0; i < 10; i++) cairn_release(bytes);
  cairn_retain(bytes);
  cairn_object *weakref = cairn_weakref_new(heap, bytes);
  cairn_release(weakref);
  cairn_release(list);
  assert_int_equal(cairn_collect(heap), 1);
  assert_int_equal(cairn_refcount(bytes), 0x80000000);
  assert_int_equal(mprotect(bytes, page_bytes, PROT_READ | PROT_WRITE), 0);
  bytes->header = (bytes->header & ~CAIRN_COUNT_MASK) | 1;
  cairn_release(bytes);
  assert_true(cairn_heap_destroy(heap, NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_of_one_thread),
      cmocka_unit_test(test_of_all_threads),
      cmocka_unit_test(test_saturated_plain_count),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
