/* The lens's arithmetic of a collection against the collector: random heaps of this process, what
 * the lens says that would be freed, and what is gone when the program has collected.
 *
 *   property_collect [COLLECTIONS [SEED]]
 */
#include "../unit/chain/self.h"
#include "world.h"

#include <stdlib.h>

extern const char cairn_contract_root[];

static uint64_t wanted = 10000, first_seed = 1;

/* What stood where before the program collected. */
struct forecast {
  uint64_t *addresses;
  uint8_t *verdicts;
  uint64_t objects;
  lens_collected totals;
};

static void look(lens *self) {
  lens_refresh(self);
  assert_int_equal(lens_root_hint(self, address_of(cairn_contract_root)), LENS_OK);
  assert_int_equal(lens_model_load(self, 0), LENS_OK);
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
}

static struct forecast forecast_of(lens *self, bool full) {
  look(self);
  assert_int_equal(lens_collect(self, LENS_NONE, !full, 0, NULL), LENS_OK);
  struct forecast forecast = {0};
  lens_columns columns;
  assert_int_equal(lens_columns_get(self, &columns), LENS_OK);
  assert_int_equal(lens_collected_get(self, &forecast.totals), LENS_OK);
  forecast.objects = columns.object_count;
  forecast.addresses = malloc((forecast.objects + 1) * sizeof *forecast.addresses);
  forecast.verdicts = malloc(forecast.objects + 1);
  assert_true(forecast.addresses != NULL && forecast.verdicts != NULL);
  assert_non_null(columns.address);
  memcpy(forecast.addresses, columns.address, forecast.objects * sizeof *forecast.addresses);
  memcpy(forecast.verdicts, forecast.totals.verdict, forecast.objects);
  return forecast;
}

static void forecast_free(struct forecast *forecast) {
  free(forecast->addresses);
  free(forecast->verdicts);
}

/* Object for object: what was said to be freed is gone, all else is there.  `guessed`: there are
 * objects whose references can't be seen, so what they alone hold may go unforeseen. */
static void compare(lens *self, const struct forecast *forecast, bool guessed) {
  look(self);
  uint64_t freed = 0;
  for (uint64_t i = 0; i < forecast->objects; i++) {
    bool said = forecast->verdicts[i] >= LENS_COLLECT_GARBAGE;
    uint32_t row;
    bool gone = lens_snapshot_find(self, forecast->addresses[i], &row) != LENS_OK;
    if (gone != said && !(guessed && gone)) {
      fail_msg("object 0x%" PRIx64 ", verdict %u: %s", forecast->addresses[i],
               forecast->verdicts[i], gone ? "is gone" : "is still there");
    }
    freed += said;
  }
  assert_int_equal(freed, forecast->totals.freed_objects);
  assert_int_equal(freed,
                   forecast->totals.garbage + forecast->totals.falls + forecast->totals.swept);
}

struct tally {
  uint64_t collections, garbage, falls, swept, reached, local, turned_full;
};

/* Some steps, then a forecast and a collection, again and again. */
static void run(lens *self, const struct world_options *options, unsigned steps, unsigned rounds,
                struct tally *tally) {
  struct world world;
  assert_true(world_new(&world, options));
  for (unsigned round = 0; round < rounds; round++) {
    for (unsigned i = 0; i < steps; i++) world_step(&world);
    bool full = world_random(&world, 2) == 0;
    struct forecast forecast = forecast_of(self, full);
    bool right = world_collect(&world, full);
    assert_true(right);
    compare(self, &forecast, !options->transparent);
    tally->collections++;
    tally->garbage += forecast.totals.garbage;
    tally->falls += forecast.totals.falls;
    tally->swept += forecast.totals.swept;
    tally->reached += forecast.totals.reached;
    tally->local += !full && forecast.totals.full_heaps == 0;
    tally->turned_full += !full && forecast.totals.full_heaps != 0;
    forecast_free(&forecast);
  }
  const char *problem = world_end(&world);
  if (problem != NULL) fail_msg("%s", problem);
}

static void small_heaps(void **state) {
  (void)state;
  lens *self = self_lens_new();
  struct tally tally = {0};
  uint64_t seed = first_seed;
  for (; tally.collections < wanted; seed++) {
    struct world_options options = {.seed = seed,
                                    .object_goal = 20 + (uint32_t)(seed % 120),
                                    .transparent = seed % 8 != 0,
                                    .heap_name = "small"};
    run(self, &options, 100 + (unsigned)(seed % 200), 6, &tally);
  }
  lens_free(self);
  print_message("seeds %" PRIu64 " to %" PRIu64 ": %" PRIu64 " collections (%" PRIu64
                " local): %" PRIu64 " in cycles, %" PRIu64 " fell with them, %" PRIu64
                " swept, %" PRIu64 " restored\n",
                first_seed, seed - 1, tally.collections, tally.local, tally.garbage, tally.falls,
                tally.swept, tally.reached);
  assert_true(tally.garbage > wanted && tally.falls > wanted / 50 && tally.swept > wanted / 50);
  assert_true(tally.reached > wanted && tally.local > wanted / 4);
}

/* So many that candidates reach more than a local collection follows. */
static void large_heaps(void **state) {
  (void)state;
  lens *self = self_lens_new();
  struct tally tally = {0};
  for (uint64_t seed = first_seed; seed < first_seed + 2; seed++) {
    struct world_options options = {
        .seed = seed, .object_goal = 60000, .transparent = true, .heap_name = "large"};
    run(self, &options, 90000, 4, &tally);
  }
  lens_free(self);
  print_message("%" PRIu64 " collections of large heaps, %" PRIu64 " turned full\n",
                tally.collections, tally.turned_full);
  assert_true(tally.turned_full > 0);
}

int main(int count, char **words) {
  if (count > 1) wanted = strtoull(words[1], NULL, 10);
  if (count > 2) first_seed = strtoull(words[2], NULL, 10);
  const struct CMUnitTest tests[] = {cmocka_unit_test(small_heaps), cmocka_unit_test(large_heaps)};
  return cmocka_run_group_tests_name("collect", tests, NULL, NULL);
}
