/* Measures moments on a core file whose pages are cached: taking, saving, loading, comparing.
 *
 *   moments CORE FILE     FILE: where a snapshot may be written
 *
 * Everything once; one line a figure, as measure.c prints them.  The floor of a comparison is a
 * merge of two plain arrays that are there already, in the order of addresses, counted by type.
 */
#include <unistd.h>

#include "gauge.h"

enum { SLICE_MS = 50, TYPES = 1 << 16 };

struct row {
  uint64_t address;
  uint32_t type, bytes;
};

struct bench {
  lens *target;
  uint64_t objects;
};

static volatile uint64_t sink;

/* ---- the floor ---- */

static struct row *rows_of(struct bench *bench) {
  lens_columns columns;
  check_status(bench->target, lens_columns_get(bench->target, &columns));
  struct row *rows = calloc((size_t)columns.object_count + 1, sizeof *rows);
  if (rows == NULL) exit(1);
  for (uint64_t i = 0; i < columns.object_count; i++)
    rows[i] = (struct row){columns.address[i], columns.type[i] % TYPES, columns.size_bytes[i]};
  return rows;
}

static void floor_merge(const struct row *a, const struct row *b, uint64_t count) {
  static uint64_t counts[TYPES][2], bytes[TYPES][2];
  uint64_t kept = 0, i = 0, k = 0;
  while (i < count || k < count) {
    bool from_a = i < count && (k == count || a[i].address <= b[k].address);
    bool from_b = k < count && (i == count || b[k].address <= a[i].address);
    if (from_a) {
      counts[a[i].type][0]++;
      bytes[a[i].type][0] += a[i].bytes;
    }
    if (from_b) {
      counts[b[k].type][1]++;
      bytes[b[k].type][1] += b[k].bytes;
    }
    kept += from_a && from_b && a[i].type == b[k].type && a[i].bytes == b[k].bytes;
    i += from_a;
    k += from_b;
  }
  sink += kept + counts[1][0] + bytes[1][1];
}

/* ---- moments ---- */

static lens_moment *taken(struct bench *bench) {
  lens_refresh(bench->target);
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_model_load(bench->target, SLICE_MS);
  check_status(bench->target, status);
  lens_moment *moment = NULL;
  status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_moment_take(bench->target, SLICE_MS, NULL, &moment);
  check_status(bench->target, status);
  return moment;
}

static void finish(const struct bench *bench, lens_moment_job *job) {
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_moment_job_step(job, SLICE_MS, NULL);
  check_status(bench->target, status);
}

static void compare(const struct bench *bench, const lens_moment *a, const lens_moment *b) {
  lens_diff *diff = NULL;
  lens_diff_totals totals;
  check_status(bench->target, lens_diff_new(a, b, NULL, 20, &diff));
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_diff_step(diff, SLICE_MS, NULL);
  check_status(bench->target, status);
  check_status(bench->target, lens_diff_totals_get(diff, &totals));
  sink += totals.kept;
  if (totals.kept != totals.count_a) exit(1);
  lens_diff_free(diff);
}

static void run(struct bench *bench, const char *path) {
  double start = now();
  lens_moment *a = taken(bench), *b = taken(bench);
  double took = now();
  compare(bench, a, b);
  double compared = now();
  lens_moment_info info;
  lens_moment_info_get(a, &info);
  bench->objects = info.objects;
  struct row *left = rows_of(bench), *right = rows_of(bench);
  double begun = now();
  floor_merge(left, right, info.objects);
  print_figure("floor: two plain arrays merged", now() - begun, bench->objects);
  free(left);
  free(right);
  print_figure("a moment taken", (took - start) / 2, bench->objects);
  print_figure("two moments compared", compared - took, bench->objects);
  print_figure("diff of two: both taken, compared", compared - start, bench->objects);
  lens_moment_job *job = NULL;
  begun = now();
  check_status(bench->target, lens_moment_save(a, path, &job));
  finish(bench, job);
  print_figure("a moment saved", now() - begun, bench->objects);
  lens_moment_job_free(job);
  begun = now();
  check_status(bench->target, lens_moment_load(path, &job));
  finish(bench, job);
  print_figure("a moment loaded and checked", now() - begun, bench->objects);
  lens_moment_job_free(job);
  printf("bytes an object of a moment\t%.2f\n", (double)info.stored_bytes / (double)info.objects);
  lens_moment_free(a);
  lens_moment_free(b);
  unlink(path);
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s CORE FILE\n", argv[0]);
    return 2;
  }
  struct bench bench = {.objects = 1};
  if (lens_new_core(argv[1], NULL, &bench.target) != LENS_OK) {
    fprintf(stderr, "moments: %s\n", lens_error(NULL));
    return 1;
  }
  run(&bench, argv[2]);
  lens_free(bench.target);
  return 0;
}
