/* Random programs with one bug each (program.h): which line is named, and how sure that claims to
 * be.
 *
 * What is called certain is right, always; what is called likely is right, and the planted line is
 * among those that are named, in 998 of 1,000 cases: docs/TRACKING.md says so.  So few programs as
 * there are without $PROGRAMS leave room for no fault.  $PROGRAM_SEED is the first seed.
 */
#include "program.h"

#include "self.h"

enum { EVENTS = 1 << 16, STEPS = 1200 };

struct table {
  int right[3], wrong[3]; /* by enum lens_sureness */
  int others, missing;
};

static int line_of(const lens *self, uint32_t site) {
  lens_pair_site row;
  if (lens_pair_site_get(self, site, &row) != LENS_OK) return -1;
  uint64_t best = 0;
  int line = -1;
  for (int i = 0; i < PLACE_COUNT; i++) {
    uint64_t start = (uint64_t)(uintptr_t)places[i];
    if (start < row.caller && start > best) {
      best = start;
      line = i;
    }
  }
  return line;
}

static void add_root(lens *self, const void *slot, const cairn_object *object) {
  const lens_root root = {
      .slot_address = address_of(slot), .value = address_of(object), .kind = LENS_ROOT_GLOBAL};
  if (object != NULL) assert_int_equal(lens_root_add(self, &root), LENS_OK);
}

static void add_roots(lens *self, const struct program *program) {
  add_root(self, &program->one, program->one);
  add_root(self, &program->two, program->two);
  add_root(self, &program->variable.object, program->variable.object);
  for (int owner = 0; owner < OWNERS; owner++) {
    for (int i = 0; i < program->owner_counts[owner]; i++)
      add_root(self, &program->owners[owner][i].object, program->owners[owner][i].object);
  }
}

/* As a debugger would: functions by the symbols, and what is inlined from a container. */
static void set_functions(lens *self, const struct program *program) {
  for (uint64_t i = 0; i < lens_pair_site_count(self); i++) {
    int line = line_of(self, (uint32_t)i);
    bool inner = line == program->put_lines[0] || line == program->put_lines[1] ||
                 line == program->pull_lines[0] || line == program->pull_lines[1];
    uint64_t function = line < 0 ? 0 : program_function_of(program, line);
    assert_int_equal(lens_pair_function_set(self, i, function, inner), LENS_OK);
  }
}

/* The planted line of the object is named; no other one is called more than possible. */
static void judge(const lens *self, const struct program *program, uint64_t address,
                  struct table *table, uint64_t seed) {
  lens_unmatched rows[16];
  uint64_t written, total;
  assert_int_equal(lens_unmatched_rows(self, 16, rows, &written, &total), LENS_OK);
  int planted[PLACE_COUNT] = {0};
  bool named[PLACE_COUNT] = {false}, other[PLACE_COUNT] = {false};
  for (int i = 0; i < program->wrong_count; i++) {
    if (address_of(program->wrong[i].object) == address) planted[program->wrong[i].line]++;
  }
  for (uint64_t i = 0; i < written; i++) {
    int line = rows[i].site == LENS_NONE ? -1 : line_of(self, rows[i].site);
    for (uint32_t k = 0; k < rows[i].other_count; k++)
      other[line_of(self, rows[i].others[k])] = true;
    if (line >= 0 && planted[line] != 0 && (int)rows[i].count >= planted[line]) {
      named[line] = true;
      table->right[rows[i].sureness]++;
    } else if (line >= 0) {
      other[line] = true;
    }
    if ((line < 0 || planted[line] == 0) && rows[i].sureness != LENS_POSSIBLE) {
      table->wrong[rows[i].sureness]++;
      print_message("seed %" PRIu64 ": bug %d in line %d: line %d is called %s\n", seed,
                    (int)program->bug, program->bug_line, line,
                    rows[i].sureness == LENS_LIKELY ? "likely" : "certain");
    }
  }
  for (int line = 0; line < PLACE_COUNT; line++) {
    if (planted[line] == 0 || named[line]) continue;
    table->others += other[line];
    table->missing += !other[line];
    if (!other[line])
      print_message("seed %" PRIu64 ": bug %d in line %d: %s\n", seed, (int)program->bug,
                    program->bug_line, "its line is missing");
  }
}

static int surplus_of(const struct program *program, uint64_t address) {
  int surplus = 0;
  for (int i = 0; i < program->wrong_count; i++) {
    if (address_of(program->wrong[i].object) == address) surplus += program->wrong[i].surplus;
  }
  return surplus;
}

static void look(const struct program *program, struct table *table, uint64_t seed) {
  lens *self = self_lens();
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  add_roots(self, program);
  const lens_audit_filter filter = {0};
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_audit(self, &filter, 0, NULL);
  assert_int_equal(status, LENS_OK);
  lens_finding findings[512];
  uint64_t written, total;
  assert_int_equal(lens_findings(self, 512, findings, &written, &total), LENS_OK);
  assert_int_equal(lens_pairs_read(self, 0, NULL), LENS_OK);
  set_functions(self, program);
  assert_int_equal(lens_pairs_learn(self, 0, NULL), LENS_OK);
  for (uint64_t i = 0; i < written; i++) {
    assert_int_equal(findings[i].surplus, surplus_of(program, findings[i].address));
    lens_track track;
    lens_pairing pairing;
    assert_int_equal(lens_track_at(self, findings[i].address, &track), LENS_OK);
    assert_int_equal(lens_pairing_of(self, track.heap, track.serial, 0, NULL, &pairing), LENS_OK);
    judge(self, program, findings[i].address, table, seed);
  }
  lens_free(self);
}

static uint64_t number_of(const char *name, uint64_t otherwise) {
  const char *text = getenv(name);
  return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void test_the_line_is_named(void **state) {
  (void)state;
  static struct program program;
  struct table table = {{0}, {0}, 0, 0};
  uint64_t first = number_of("PROGRAM_SEED", 1), count = number_of("PROGRAMS", 60);
  for (uint64_t seed = first; seed < first + count; seed++) {
    program_draw(&program, seed);
    program.heap = cairn_heap_new(&(cairn_heap_options){.manual_collection = true});
    assert_non_null(program.heap);
    const cairn_track_options options = {.events = EVENTS};
    assert_true(cairn_track_start(program.heap, &options));
    program_run(&program, STEPS);
    look(&program, &table, seed);
    (void)cairn_heap_destroy(program.heap, NULL);
  }
  print_message("certain %d, likely %d, possible %d, among others %d, missing %d, WRONG %d\n",
                table.right[LENS_CERTAIN], table.right[LENS_LIKELY], table.right[LENS_POSSIBLE],
                table.others, table.missing, table.wrong[LENS_CERTAIN] + table.wrong[LENS_LIKELY]);
  int all = table.right[LENS_CERTAIN] + table.right[LENS_LIKELY] + table.right[LENS_POSSIBLE] +
            table.others + table.missing;
  assert_int_equal(table.wrong[LENS_CERTAIN], 0);
  assert_true(table.wrong[LENS_LIKELY] * 500 <= all);
  assert_true(table.missing * 500 <= all);
  assert_true(table.right[LENS_CERTAIN] + table.right[LENS_LIKELY] > 2 * (int)count);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_line_is_named)};
  return cmocka_run_group_tests_name("programs", tests, NULL, NULL);
}
