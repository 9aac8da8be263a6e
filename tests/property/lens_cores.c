/* Cores as they come from a full disk or a bad one: cut short at many places, and with bits turned
 * in the ELF headers, the notes, the root record, page tables and objects.  The lens ends with
 * answers or with a named reason, in bounded time and memory, and shows what is left.
 *
 *   lens_cores FIXTURE [CASES]
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../bounded.h"
#include "../random.h"
#include "lens.h"
#include "random_core.h"

enum { CUTS = 50, NO_CORES = 77, SECONDS_MAX = 5, MEMORY_MAX_BYTES = 64 << 20 };

static const char *fixture;
static uint64_t cases = 400;
static struct random_core core;
static uint64_t core_bytes, healthy_objects;

static int begin(void **state) {
  (void)state;
  if (random_core_make(fixture, 11, 300, 3, &core)) {
    struct stat status;
    if (stat(core.core, &status) != 0) return 1;
    core_bytes = (uint64_t)status.st_size;
    (void)bound_memory(MEMORY_MAX_BYTES + core_bytes);
    return 0;
  }
  print_message("cores do not land in the directory on this machine\n");
  exit(NO_CORES);
}

static int end(void **state) {
  (void)state;
  random_core_remove(&core);
  return 0;
}

static uint64_t seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec;
}

/* Texts and references of every row. */
static void ask_each(lens *self) {
  lens_columns columns;
  assert_int_equal(lens_columns_get(self, &columns), LENS_OK);
  for (uint64_t i = 0; i < columns.object_count; i++) {
    char text[100];
    lens_ref refs[4];
    uint64_t written = 0, total = 0;
    lens_object_text(self, columns.address[i], 2, 3, text, sizeof text);
    lens_object_refs(self, columns.address[i], 0, 4, refs, &written, &total);
  }
}

/* How many objects the core shows now; 0 with a reason when there is no answer. */
static uint64_t look(void) {
  uint64_t start = seconds();
  lens *self = NULL;
  lens_status status = lens_new_core(core.core, NULL, &self);
  uint64_t shown = 0;
  if (status == LENS_OK) {
    status = lens_model_load(self, 0);
    if (status == LENS_OK) status = lens_check(self, 0, NULL);
    assert_int_not_equal(status, LENS_NO_MEMORY);
    lens_walk_totals totals;
    if (status == LENS_OK) {
      assert_int_equal(lens_walk_totals_get(self, &totals), LENS_OK);
      shown = totals.objects;
      ask_each(self);
      if (healthy_objects != 0 && shown != healthy_objects)
        assert_true(lens_problem_count(self) > 0);
    } else {
      assert_true(lens_error(self)[0] != 0);
    }
    lens_free(self);
  } else {
    assert_int_not_equal(status, LENS_NO_MEMORY);
    assert_true(lens_error(NULL)[0] != 0);
  }
  assert_true(seconds() - start < SECONDS_MAX);
  return shown;
}

static void a_whole_core(void **state) {
  (void)state;
  healthy_objects = look();
  assert_true(healthy_objects > 500);
}

/* From the end to the beginning: the less there is, the less is shown, down to nothing. */
static void cut_short(void **state) {
  (void)state;
  char whole[128];
  (void)snprintf(whole, sizeof whole, "%.90s.whole", core.core);
  assert_int_equal(rename(core.core, whole), 0);
  uint8_t *bytes = malloc(core_bytes);
  assert_non_null(bytes);
  int from = open(whole, O_RDONLY), to = open(core.core, O_RDWR | O_CREAT, 0600);
  assert_true(from >= 0 && to >= 0);
  assert_int_equal(read(from, bytes, core_bytes), (ssize_t)core_bytes);
  assert_int_equal(write(to, bytes, core_bytes), (ssize_t)core_bytes);
  free(bytes);
  uint64_t before = healthy_objects;
  for (uint64_t cut = 1; cut <= CUTS; cut++) {
    assert_int_equal(ftruncate(to, (off_t)(core_bytes - core_bytes * cut / CUTS)), 0);
    uint64_t shown = look();
    assert_true(shown <= before);
    before = shown;
  }
  assert_int_equal(before, 0);
  (void)close(from);
  (void)close(to);
  assert_int_equal(rename(whole, core.core), 0);
}

static void bits_turned(void **state) {
  (void)state;
  uint64_t seed = 77, same = 0;
  print_message("seed %" PRIu64 "\n", seed);
  int file = open(core.core, O_RDWR);
  assert_true(file >= 0);
  for (uint64_t i = 0; i < cases; i++) {
    /* The headers and notes stand in front; a third anywhere. */
    uint64_t reach = i % 3 == 0 ? core_bytes : i % 3 == 1 ? 8192 : 1024;
    off_t at = (off_t)(random_next(&seed) % reach);
    uint8_t before, after;
    assert_int_equal(pread(file, &before, 1, at), 1);
    after = before ^ (uint8_t)(1u << random_next(&seed) % 8);
    if (random_next(&seed) % 3 == 0) after = (uint8_t)random_next(&seed);
    assert_int_equal(pwrite(file, &after, 1, at), 1);
    same += look() == healthy_objects;
    assert_int_equal(pwrite(file, &before, 1, at), 1);
  }
  (void)close(file);
  assert_true(same > cases / 4);
  assert_int_equal(look(), healthy_objects);
}

int main(int count, char **words) {
  if (count < 2) {
    (void)fprintf(stderr, "usage: %s FIXTURE [CASES]\n", words[0]);
    return 2;
  }
  fixture = words[1];
  if (count > 2) cases = strtoull(words[2], NULL, 10);
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_whole_core), cmocka_unit_test(cut_short),
                                     cmocka_unit_test(bits_turned)};
  return cmocka_run_group_tests_name("lens cores", tests, begin, end);
}
