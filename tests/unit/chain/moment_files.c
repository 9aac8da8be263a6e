/* Files of moments: what is saved is what is loaded; a file that was cut or changed is refused or
 * harmless; what can't be written leaves what was there; each allocation fails in turn.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "garden.h"
#include "memory/alloc.h"
#include "memory/crc32.h"
#include "moments/moment_file.h"
#include "self.h"

static cairn_heap *heap;
static cairn_object *all;
static char directory[] =
    "/dev/shm/cairn-moments-XXXXXX"; /* memory: each saving waits for the disk */
static char path[64], other[64];

static int begin(void **state) {
  (void)state;
  heap = cairn_heap_new(NULL);
  const cairn_track_options options = {.sites = true, .backtrace = 3};
  if (heap == NULL || !cairn_track_start(heap, &options) || mkdtemp(directory) == NULL) return 1;
  all = garden_new(heap);
  (void)snprintf(path, sizeof path, "%s/one.cairn", directory);
  (void)snprintf(other, sizeof other, "%s/other", directory);
  return 0;
}

static int end(void **state) {
  (void)state;
  cairn_list_clear(all);
  cairn_release(all);
  unlink(path);
  unlink(other);
  bool empty = rmdir(directory) == 0; /* nothing else was left in it */
  return !cairn_heap_destroy(heap, NULL) || !empty;
}

static lens_moment *taken(void) {
  lens *self = self_lens();
  lens_moment *moment = NULL;
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_moment_take(self, 1, NULL, &moment);
  assert_int_equal(status, LENS_OK);
  lens_free(self);
  return moment;
}

static lens_status run(lens_moment_job *job) {
  lens_status status = LENS_AGAIN;
  lens_progress progress;
  while (status == LENS_AGAIN) status = lens_moment_job_step(job, 1, &progress);
  return status;
}

static lens_status save(const lens_moment *moment, const char *to) {
  lens_moment_job *job = NULL;
  lens_status status = lens_moment_save(moment, to, &job);
  if (status == LENS_OK) status = run(job);
  if (status != LENS_OK && job != NULL) assert_string_not_equal(lens_moment_job_error(job), "");
  lens_moment_job_free(job);
  return status;
}

static lens_status load(const char *from, lens_moment **out) {
  lens_moment_job *job = NULL;
  lens_status status = lens_moment_load(from, &job);
  if (status == LENS_OK) status = run(job);
  *out = job == NULL ? NULL : lens_moment_job_result(job);
  if (status != LENS_OK && job != NULL) assert_string_not_equal(lens_moment_job_error(job), "");
  assert_int_equal(*out != NULL, status == LENS_OK);
  lens_moment_job_free(job);
  return status;
}

static uint8_t *contents(const char *from, size_t *bytes) {
  FILE *file = fopen(from, "rb");
  assert_non_null(file);
  assert_int_equal(fseek(file, 0, SEEK_END), 0);
  *bytes = (size_t)ftell(file);
  rewind(file);
  uint8_t *data = malloc(*bytes + 1);
  assert_non_null(data);
  assert_int_equal(fread(data, 1, *bytes, file), *bytes);
  fclose(file);
  return data;
}

static void put(const char *to, const uint8_t *data, size_t bytes) {
  FILE *file = fopen(to, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, bytes, file), bytes);
  assert_int_equal(fclose(file), 0);
}

static void assert_equal(const lens_moment *a, const lens_moment *b) {
  assert_int_equal(a->info.objects, b->info.objects);
  assert_int_equal(a->info.bytes, b->info.bytes);
  assert_int_equal(a->origin.process, b->origin.process);
  assert_int_equal(a->origin.time, b->origin.time);
  assert_string_equal(a->origin.kind, b->origin.kind);
  assert_string_equal(a->origin.executable, b->origin.executable);
  assert_string_equal(a->origin.label, b->origin.label);
  assert_int_equal(a->info.serial_count, b->info.serial_count);
  assert_int_equal(a->info.exactness, b->info.exactness);
  assert_int_equal(a->info.heap_count, b->info.heap_count);
  assert_memory_equal(a->heaps, b->heaps, a->info.heap_count * sizeof *a->heaps);
  assert_int_equal(a->info.type_count, b->info.type_count);
  for (uint64_t i = 0; i < a->info.type_count; i++) {
    assert_string_equal(a->types[i].name, b->types[i].name);
    assert_int_equal(a->types[i].heap, b->types[i].heap);
  }
  assert_int_equal(a->info.site_count, b->info.site_count);
  if (a->info.site_count != 0)
    assert_memory_equal(a->sites, b->sites, a->info.site_count * sizeof *a->sites);
  assert_int_equal(a->info.frame_count, b->info.frame_count);
  for (uint64_t i = 0; i < a->info.frame_count; i++) {
    const lens_moment_place *left = &a->frames[i], *right = &b->frames[i];
    assert_int_equal(left->address, right->address);
    assert_int_equal(left->offset, right->offset);
    assert_int_equal(left->line, right->line);
    assert_string_equal(left->function, right->function);
    assert_string_equal(left->file, right->file);
    assert_string_equal(left->module, right->module);
  }
  assert_int_equal(a->info.stored_bytes, b->info.stored_bytes);
  assert_memory_equal(a->rows.items, b->rows.items, a->info.stored_bytes);
}

static void there_and_back(void **state) {
  (void)state;
  lens_moment *moment = taken(), *back = NULL;
  const lens_moment_origin origin = {.process = 4711,
                                     .time = 1700000000,
                                     .kind = "native",
                                     .executable = "/opt/a program",
                                     .label = "z\xc3\xa4hler"};
  const lens_moment_place place = {.address = 77,
                                   .offset = 5,
                                   .function = "f",
                                   .file = "/src/f.c",
                                   .module = "server",
                                   .line = 12};
  assert_int_equal(lens_moment_origin_set(moment, &origin), LENS_OK);
  assert_true(moment->info.site_count > 3 && moment->info.serial_count == moment->info.objects);
  assert_int_equal(lens_moment_frame_set(moment, 1, &place), LENS_OK);
  assert_int_equal(lens_moment_is_file(path), 0);
  assert_int_equal(save(moment, path), LENS_OK);
  assert_int_equal(lens_moment_is_file(path), 1);
  assert_int_equal(load(path, &back), LENS_OK);
  assert_equal(moment, back);
  assert_int_equal(save(back, path), LENS_OK); /* a snapshot may be replaced */
  lens_moment_free(back);
  assert_int_equal(load(path, &back), LENS_OK);
  assert_equal(moment, back);
  lens_moment_free(back);
  lens_moment_free(moment);
}

/* Extremes of rows: what a real heap never has all at once. */
static void rows_of_all_kinds(void **state) {
  (void)state;
  static const uint64_t numbers[] = {
      1, 127, 128, UINT32_MAX, 1ull << 40, UINT64_MAX, UINT64_MAX / 2, 8};
  lens_moment *moment = lens_moment_new();
  assert_non_null(moment);
  struct lens_moment_before before = {.step = 0};
  struct lens_moment_row rows[64];
  uint64_t address = 0;
  for (size_t i = 0; i < 64; i++) {
    address += i % 3 == 0 ? 1 : i % 3 == 1 ? 1ull << 50 : 16;
    rows[i] = (struct lens_moment_row){.address = address,
                                       .serial = i % 5 == 0 ? 0 : numbers[i % 8],
                                       .block_bytes = numbers[(i / 3) % 7] / 2 + 1,
                                       .extra_bytes = i % 2 == 0 ? 0 : numbers[(i / 2) % 7] / 2,
                                       .type = (uint32_t)numbers[(i / 4) % 4],
                                       .site = (uint32_t)numbers[(i / 5) % 4],
                                       .content = (uint32_t)(i * 0x9e3779b9u)};
    assert_true(lens_moment_row_put(moment, &before, &rows[i]));
  }
  struct lens_moment_reader reader;
  lens_moment_reader_begin(&reader, moment);
  for (size_t i = 0; i < 64; i++) {
    struct lens_moment_row row;
    assert_int_equal(lens_moment_row_next(&reader, &row), LENS_OK);
    assert_int_equal(row.address, rows[i].address);
    assert_int_equal(row.serial, rows[i].serial);
    assert_int_equal(row.block_bytes, rows[i].block_bytes);
    assert_int_equal(row.extra_bytes, rows[i].extra_bytes);
    assert_int_equal(row.type, rows[i].type);
    assert_int_equal(row.site, rows[i].site);
    assert_int_equal(row.content, rows[i].content);
  }
  struct lens_moment_row none;
  assert_int_equal(lens_moment_row_next(&reader, &none), LENS_NOT_FOUND);
  lens_moment_free(moment);
}

/* The values that RFC 3720 and zlib's own documents give. */
static void the_checksum(void **state) {
  (void)state;
  const uint8_t *digits = (const uint8_t *)"123456789";
  assert_int_equal(lens_crc32(0, digits, 9), 0xcbf43926);
  assert_int_equal(lens_crc32(lens_crc32(0, digits, 4), digits + 4, 5), 0xcbf43926);
  assert_int_equal(lens_crc32(0, digits, 0), 0);
}

static void set_checksum(uint8_t *data, size_t bytes) {
  uint32_t sum = lens_crc32(0, data + LENS_MOMENT_SUMMED_FROM, bytes - LENS_MOMENT_SUMMED_FROM);
  memcpy(data + offsetof(struct lens_file_head, checksum), &sum, sizeof sum);
}

/* Cut anywhere it is refused; changed anywhere, too, as the checksum says; with the checksum put
 * right it is refused, or a moment that can be compared. */
static void damaged_files(void **state) {
  (void)state;
  lens_moment *moment = taken(), *found = NULL;
  assert_int_equal(save(moment, path), LENS_OK);
  size_t bytes;
  uint8_t *data = contents(path, &bytes);
  for (size_t cut = 0; cut < bytes; cut += cut < 400 ? 1 : 97) {
    put(other, data, cut);
    assert_int_not_equal(load(other, &found), LENS_OK);
  }
  static const uint8_t values[] = {0, 1, 0x7f, 0xff};
  uint64_t refused = 0, taken_over = 0;
  for (size_t at = 0; at < bytes; at += at < 1000 ? 1 : 61) {
    uint8_t before = data[at];
    data[at] ^= 0x10;
    put(other, data, bytes);
    assert_int_not_equal(load(other, &found), LENS_OK);
    for (size_t i = 0; i < sizeof values; i++) {
      data[at] = values[i];
      set_checksum(data, bytes);
      put(other, data, bytes);
      lens_status status = load(other, &found);
      refused += status != LENS_OK;
      taken_over += status == LENS_OK;
      if (status != LENS_OK) continue;
      lens_diff *diff = NULL;
      assert_int_equal(lens_diff_new(moment, found, NULL, 8, &diff), LENS_OK);
      assert_int_equal(lens_diff_step(diff, 0, NULL), LENS_OK);
      lens_diff_free(diff);
      lens_moment_free(found);
    }
    data[at] = before;
    set_checksum(data, bytes);
  }
  assert_true(refused > 100 && taken_over > 100);
  free(data);
  lens_moment_free(moment);
}

/* Sections that this program does not know are skipped, and so is what stands behind a row's end.
 */
static void files_of_later_programs(void **state) {
  (void)state;
  lens_moment *moment = taken(), *back = NULL;
  assert_int_equal(save(moment, path), LENS_OK);
  size_t bytes;
  uint8_t *data = contents(path, &bytes);
  struct lens_file_section section = {.kind = 77, .row_bytes = 3, .count = 5};
  size_t more = sizeof section + 16;
  uint8_t *longer = calloc(1, bytes + more);
  assert_non_null(longer);
  memcpy(longer, data, LENS_MOMENT_HEAD_BYTES);
  memcpy(longer + LENS_MOMENT_HEAD_BYTES, &section, sizeof section);
  memcpy(longer + LENS_MOMENT_HEAD_BYTES + more, data + LENS_MOMENT_HEAD_BYTES,
         bytes - LENS_MOMENT_HEAD_BYTES);
  uint64_t total = bytes + more;
  memcpy(longer + offsetof(struct lens_file_head, bytes), &total, sizeof total);
  set_checksum(longer, total);
  put(other, longer, total);
  assert_int_equal(load(other, &back), LENS_OK);
  assert_equal(moment, back);
  lens_moment_free(back);
  uint32_t version = 2;
  memcpy(longer + offsetof(struct lens_file_head, version), &version, sizeof version);
  set_checksum(longer, total);
  put(other, longer, total);
  assert_int_equal(load(other, &back), LENS_UNSUPPORTED);
  free(longer);
  free(data);
  lens_moment_free(moment);
}

static void what_cannot_be_written(void **state) {
  (void)state;
  lens_moment *moment = taken(), *back = NULL;
  char name[128];
  (void)snprintf(name, sizeof name, "%s/nowhere/file", directory);
  assert_int_equal(save(moment, name), LENS_IO);
  assert_int_equal(save(moment, directory), LENS_IO);
  assert_int_equal(save(moment, "/dev/null"), LENS_IO);
  put(other, (const uint8_t *)"precious", 8);
  assert_int_equal(save(moment, other), LENS_IO);
  size_t bytes;
  uint8_t *data = contents(other, &bytes);
  assert_int_equal(bytes, 8);
  assert_memory_equal(data, "precious", 8);
  free(data);
  assert_int_equal(load(other, &back), LENS_IO);
  assert_int_equal(load(directory, &back), LENS_IO);
  assert_int_equal(load("/dev/null", &back), LENS_IO);
  assert_int_equal(load(name, &back), LENS_IO);
  lens_moment_free(moment);
}

/* No room for all of it: what was there stays, and no part of the new file is left. */
static void a_full_disk(void **state) {
  (void)state;
  lens_moment *moment = taken(), *back = NULL;
  assert_int_equal(save(moment, path), LENS_OK);
  struct rlimit before, small = {.rlim_cur = 1000, .rlim_max = RLIM_INFINITY};
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  small.rlim_max = before.rlim_max;
  (void)signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  lens_status status = save(moment, path);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  assert_int_equal(status, LENS_IO);
  assert_int_equal(load(path, &back), LENS_OK);
  assert_equal(moment, back);
  lens_moment_free(back);
  lens_moment_free(moment);
}

/* A job that is given up leaves nothing; a link stays a link. */
static void given_up_and_linked(void **state) {
  (void)state;
  lens_moment *moment = taken();
  lens_moment_job *job = NULL;
  unlink(other);
  assert_int_equal(lens_moment_save(moment, other, &job), LENS_OK);
  lens_moment_job_free(job);
  assert_int_equal(access(other, F_OK), -1);
  assert_int_equal(symlink(path, other), 0);
  assert_int_equal(save(moment, other), LENS_OK);
  struct stat about;
  assert_int_equal(lstat(other, &about), 0);
  assert_true(S_ISLNK(about.st_mode));
  unlink(other);
  lens_moment_free(moment);
}

/* ---- memory that runs out ---- */

static lens_status all_of_it(lens *self) {
  lens_moment *moment = NULL, *back = NULL;
  lens_diff *diff = NULL;
  lens_status status = lens_moment_take(self, 0, NULL, &moment);
  const lens_moment_origin origin = {.label = "a", .kind = "native", .executable = "b"};
  if (status == LENS_OK) status = lens_moment_origin_set(moment, &origin);
  if (status == LENS_OK) status = save(moment, path);
  if (status == LENS_OK) status = load(path, &back);
  if (status == LENS_OK) status = lens_diff_new(moment, back, "*", 4, &diff);
  if (status == LENS_OK) {
    status = lens_diff_step(diff, 0, NULL);
    if (status != LENS_OK) assert_int_equal(lens_diff_step(diff, 0, NULL), status);
    lens_diff_totals totals;
    assert_int_equal(lens_diff_totals_get(diff, &totals) == LENS_OK, status == LENS_OK);
    if (status == LENS_OK) assert_int_equal(totals.kept, totals.count_a);
  }
  lens_diff_free(diff);
  lens_moment_free(back);
  lens_moment_free(moment);
  return status;
}

static void each_allocation_fails(void **state) {
  (void)state;
  lens *self = self_lens();
  assert_int_equal(lens_weights(self, 0, NULL), LENS_OK);
  int64_t failing = 0;
  for (;; failing++) {
    lens_alloc_fail_after(failing);
    lens_status status = all_of_it(self);
    lens_alloc_fail_after(-1);
    if (status == LENS_OK) break;
    assert_int_equal(status, LENS_NO_MEMORY);
    assert_true(failing < 5000);
  }
  assert_true(failing > 60);
  assert_int_equal(all_of_it(self), LENS_OK);
  lens_free(self);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(there_and_back),
      cmocka_unit_test(rows_of_all_kinds),
      cmocka_unit_test(the_checksum),
      cmocka_unit_test(damaged_files),
      cmocka_unit_test(files_of_later_programs),
      cmocka_unit_test(what_cannot_be_written),
      cmocka_unit_test(a_full_disk),
      cmocka_unit_test(given_up_and_linked),
      cmocka_unit_test(each_allocation_fails),
  };
  return cmocka_run_group_tests_name("files of moments", tests, begin, end);
}
