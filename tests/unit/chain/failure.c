/* Injected failures: each allocation and each read of a load and of many questions fails in turn.
 */
#include "garden_image.h"

/* The answer to a question that needs allocations of all kinds. */
static lens_status load_and_ask(lens *self, char *text, size_t bytes) {
  lens_status status = lens_root_hint(self, image->parts[0].start);
  if (status == LENS_OK) status = lens_model_load(self, 0);
  if (status != LENS_OK) return status;
  return lens_object_text(self, address_of(all), 2, 30, text, bytes);
}

static void each_allocation(void **state) {
  (void)state;
  char wanted[1024];
  lens *whole = image_lens(image);
  assert_int_equal(load_and_ask(whole, wanted, sizeof wanted), LENS_OK);
  lens_free(whole);
  int64_t allocations = 0;
  for (;; allocations++) {
    char text[1024] = "";
    lens_alloc_fail_after(allocations);
    lens *self = image_lens(image);
    lens_status status = self == NULL ? LENS_NO_MEMORY : load_and_ask(self, text, sizeof text);
    lens_alloc_fail_after(-1);
    if (status == LENS_OK && strcmp(text, wanted) == 0) {
      lens_free(self);
      break;
    }
    /* The cache lives with fewer chunks, and the log without room: everything else says so. */
    if (status != LENS_OK) assert_int_equal(status, LENS_NO_MEMORY);
    if (self != NULL && status != LENS_OK) {
      /* The same lens works once there is memory. */
      assert_int_equal(load_and_ask(self, text, sizeof text), LENS_OK);
      assert_string_equal(text, wanted);
    }
    lens_free(self);
    assert_true(allocations < 10000);
  }
  assert_true(allocations > 20);
}

static void each_read(void **state) {
  (void)state;
  char wanted[1024];
  lens *whole = image_lens(image);
  image->reads = 0;
  assert_int_equal(load_and_ask(whole, wanted, sizeof wanted), LENS_OK);
  lens_free(whole);
  uint64_t reads = image->reads;
  assert_true(reads > 3);
  for (uint64_t i = 0; i < reads; i++) {
    char text[1024] = "";
    image->reads = 0;
    image->fail_at = i;
    lens *self = image_lens(image);
    lens_status status = load_and_ask(self, text, sizeof text);
    image->fail_at = UINT64_MAX;
    /* A read that failed once is a hole: a named failure, a named problem, or it was tried again.
     */
    if (status != LENS_OK) {
      assert_true(lens_error(self)[0] != 0);
    } else if (strcmp(text, wanted) != 0) {
      assert_true(lens_problem_count(self) > 0);
    }
    lens_refresh(self);
    assert_int_equal(load_and_ask(self, text, sizeof text), LENS_OK);
    assert_string_equal(text, wanted);
    lens_free(self);
  }
}

static void cancelling(void **state) {
  (void)state;
  char text[1024];
  lens *self = image_lens(image);
  image->reads = 0;
  for (uint64_t i = 0; i < 3; i++) {
    image->cancel_at = image->reads;
    assert_int_equal(load_and_ask(self, text, sizeof text), LENS_CANCELLED);
  }
  image->cancel_at = UINT64_MAX;
  assert_int_equal(load_and_ask(self, text, sizeof text), LENS_OK);
  lens_free(self);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_allocation), cmocka_unit_test(each_read),
                                     cmocka_unit_test(cancelling)};
  return cmocka_run_group_tests_name("lens failures", tests, garden_image_begin, garden_image_end);
}
