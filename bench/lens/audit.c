/* Measures the audit on a core file whose pages are cached: every count of the heap against the
 * references that explain it.
 *
 *   audit CORE
 *
 * Everything once; one line a figure, as measure.c prints them.  The floor is the same sum in plain
 * C: one pass over the edges, which the lens has found already, and one over the counts, in arrays
 * that are in memory.  It finds the one root too: the node with a reference that nothing in the
 * heap explains.  The lens must come to the same.
 *
 * The worst case is a heap in which every count is wrong: each object is a finding then.
 */
#include <string.h>

#include "gauge.h"

enum { SLICE_MS = 50, ROWS = 20 };

struct bench {
  lens *target;
  lens_columns columns;
  uint32_t root; /* what the program holds */
  uint64_t memory_before, memory_most;
  double longest; /* slice */
};

static volatile uint64_t sink;

static void fail(const char *text) {
  fprintf(stderr, "audit: %s\n", text);
  exit(1);
}

/* ---- the floor ---- */

/* How many references to nodes nothing in the heap explains; `*last` is the last node that has
 * some. What the runtime itself holds are no nodes. */
static uint64_t floor_judge(const lens_columns *g, uint32_t *refs, uint32_t *last) {
  uint64_t unexplained = 0;
  uint32_t node = g->type[g->object_count / 2];
  for (uint64_t edge = 0; edge < g->edge_count; edge++) refs[g->out_target[edge]]++;
  for (uint64_t i = 0; i < g->object_count; i++) {
    if (g->refcount[i] == refs[i] || g->type[i] != node) continue;
    unexplained += g->refcount[i] > refs[i] ? g->refcount[i] - refs[i] : refs[i] - g->refcount[i];
    *last = (uint32_t)i;
  }
  return unexplained;
}

/* Needs the index. */
static void floor_account(struct bench *bench) {
  const size_t bytes = (size_t)bench->columns.object_count * sizeof(uint32_t);
  uint32_t *refs = malloc(bytes + 1);
  if (refs == NULL) fail("out of memory");
  memset(refs, 0, bytes); /* the pages are there before the clock runs */
  double began = now();
  uint64_t unexplained = floor_judge(&bench->columns, refs, &bench->root);
  print_figure("floor: every count, edges in memory", now() - began, bench->columns.object_count);
  free(refs);
  if (unexplained != 1) fail("the heap should have one root");
}

/* ---- the lens ---- */

static void fresh(struct bench *bench) {
  lens_refresh(bench->target);
  RUN(bench, lens_model_load(bench->target, SLICE_MS));
}

static void index_all(struct bench *bench) {
  RUN(bench, lens_index(bench->target, SLICE_MS, NULL));
  check_status(bench->target, lens_columns_get(bench->target, &bench->columns));
}

static void add_root(const struct bench *bench) {
  lens_root root = {
      .slot_address = 8, .value = bench->columns.address[bench->root], .kind = LENS_ROOT_GLOBAL};
  check_status(bench->target, lens_root_add(bench->target, &root));
}

/* Judges and asks for the worst rows; the seconds of both. */
static double judge(struct bench *bench, lens_audit_totals *totals) {
  const lens_audit_filter filter = {.type_glob = NULL};
  lens_finding rows[ROWS];
  uint64_t written, total;
  double start = now();
  RUN(bench, lens_audit(bench->target, &filter, SLICE_MS, NULL));
  check_status(bench->target, lens_findings(bench->target, ROWS, rows, &written, &total));
  double seconds = now() - start;
  check_status(bench->target, lens_audit_totals_get(bench->target, totals));
  sink += total + written;
  return seconds;
}

/* From the walk on, with the root: nothing is wrong.  Without it, one object is. */
static void balanced(struct bench *bench) {
  lens_audit_totals totals;
  fresh(bench);
  double start = now();
  index_all(bench);
  double indexed = now() - start;
  add_root(bench);
  double judged = judge(bench, &totals);
  if (totals.findings != 0) fail("there should be no finding");
  print_figure("walk, index, accounts, audit", indexed + judged, bench->columns.object_count);
  print_figure("the audit, indexed", judged, bench->columns.object_count);
  lens_roots_clear(bench->target);
  judge(bench, &totals);
  if (totals.over != 1 || totals.under != 0 || totals.surplus != 1)
    fail("one reference should be unexplained");
}

/* Every count one too high: the rows of the lens itself are changed, for a core can't be. */
static void all_wrong(struct bench *bench) {
  lens_audit_totals totals;
  fresh(bench);
  double start = now();
  index_all(bench);
  double indexed = now() - start;
  uint32_t *counts = (uint32_t *)(uintptr_t)bench->columns.refcount;
  uint64_t wrong = 0;
  for (uint64_t i = 0; i < bench->columns.object_count; i++) {
    if ((bench->columns.state[i] & (LENS_STATE_IMMORTAL | LENS_STATE_SATURATED)) != 0) continue;
    counts[i]++;
    wrong++;
  }
  add_root(bench);
  double judged = judge(bench, &totals);
  if (totals.over != wrong || totals.surplus != wrong) fail("every object should be a finding");
  print_figure("the same, every count wrong", indexed + judged, bench->columns.object_count);
}

int main(int argc, char **argv) {
  struct bench bench = {.target = NULL};
  if (argc != 2) {
    fprintf(stderr, "usage: %s CORE\n", argv[0]);
    return 2;
  }
  if (lens_new_core(argv[1], NULL, &bench.target) != LENS_OK) fail(lens_error(NULL));
  fresh(&bench);
  index_all(&bench);
  floor_account(&bench);
  fresh(&bench);
  bench.memory_before = anonymous_bytes();
  bench.memory_most = 0;
  bench.longest = 0;
  balanced(&bench);
  uint64_t memory_balanced = bench.memory_most;
  all_wrong(&bench);
  printf("audit: bytes an object\t%.1f\n",
         (double)(memory_balanced - bench.memory_before) / (double)bench.columns.object_count);
  printf("audit: bytes an object, all wrong\t%.1f\n",
         (double)(bench.memory_most - bench.memory_before) / (double)bench.columns.object_count);
  printf("audit: longest slice\t%.0f\n", bench.longest * 1e3);
  lens_free(bench.target);
  return 0;
}
