/* Measures the lens on a core file whose pages are cached.
 *
 *   measure CORE [ROUNDS]
 *
 * Rounds are interleaved: each measures everything once, the medians are printed, one line a
 * figure: NAME <tab> seconds <tab> nanoseconds an object.  The floor is a plain C pass over the
 * same bytes that knows beforehand where every object is.  Each other figure begins with a fresh
 * snapshot.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "gauge.h"

enum { ROUNDS_MAX = 101, TYPES_MAX = 4096, SLICE_MS = 50 };

enum figure {
  FLOOR_CENSUS,
  FLOOR_CHASE,
  OPEN,
  CENSUS,
  REFERRERS,
  INDEX,
  REACH,
  INDEXED_REFERRERS,
  FIGURES
};
static const char *const NAMES[FIGURES] = {"floor: census",
                                           "floor: follow both references",
                                           "open, find heap and types",
                                           "census by type and count",
                                           "referrers of one object, no index",
                                           "walk and index both ways",
                                           "walk, index both ways, reachability",
                                           "referrers of one object, indexed"};

struct bench {
  lens *target;
  double seconds[FIGURES][ROUNDS_MAX];
  uint64_t objects, reached, holders, memory_bytes, memory_before;
};

static void note_memory(struct bench *bench) {
  uint64_t bytes = anonymous_bytes();
  if (bytes > bench->memory_bytes) bench->memory_bytes = bytes;
}

static void fresh(struct bench *bench) {
  lens_refresh(bench->target);
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_model_load(bench->target, SLICE_MS);
  check_status(bench->target, status);
}

/* ---- the floor ---------------------------------------------------------------------------- */

/* The objects' bytes as in the core, arena by arena, in this process's memory. */
struct floor_heap {
  uint64_t arena_count;
  struct {
    uint64_t address, bytes;
    const uint8_t *data;
  } arenas[4096];
  uint64_t count;
  uint64_t *addresses;   /* of the objects */
  const uint8_t **bytes; /* theirs */
};

static const uint8_t *floor_bytes(const struct floor_heap *heap, uint64_t address) {
  uint64_t low = 0, high = heap->arena_count;
  while (low < high) {
    uint64_t middle = (low + high) / 2;
    if (heap->arenas[middle].address + heap->arenas[middle].bytes <= address) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == heap->arena_count || address < heap->arenas[low].address) return NULL;
  return heap->arenas[low].data + (address - heap->arenas[low].address);
}

/* Copies the arenas, so that the floor pays for nothing but the pass. */
static void floor_make(struct bench *bench, struct floor_heap *heap) {
  fresh(bench);
  heap->arena_count = lens_arena_count(bench->target);
  if (heap->arena_count > 4096) heap->arena_count = 4096;
  for (uint64_t i = 0; i < heap->arena_count; i++) {
    lens_arena arena;
    uint64_t got = 0;
    check_status(bench->target, lens_arena_get(bench->target, i, &arena));
    uint8_t *data = calloc(1, arena.bytes);
    if (data == NULL) exit(1);
    check_status(bench->target, lens_read(bench->target, arena.address, arena.bytes, data, &got));
    heap->arenas[i].address = arena.address;
    heap->arenas[i].bytes = arena.bytes;
    heap->arenas[i].data = data;
  }
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_walk(bench->target, SLICE_MS, NULL);
  check_status(bench->target, status);
  lens_columns columns;
  check_status(bench->target, lens_columns_get(bench->target, &columns));
  heap->count = bench->objects = columns.object_count;
  heap->addresses = malloc(heap->count * sizeof *heap->addresses);
  heap->bytes = malloc(heap->count * sizeof *heap->bytes);
  if (heap->addresses == NULL || heap->bytes == NULL) exit(1);
  for (uint64_t i = 0; i < heap->count; i++) {
    heap->addresses[i] = columns.address[i];
    heap->bytes[i] = floor_bytes(heap, columns.address[i]);
  }
}

static void floor_free(struct floor_heap *heap) {
  for (uint64_t i = 0; i < heap->arena_count; i++) free((void *)(uintptr_t)heap->arenas[i].data);
  free(heap->addresses);
  free(heap->bytes);
}

static uint64_t header_at(const uint8_t *bytes) {
  uint64_t header;
  memcpy(&header, bytes, sizeof header);
  return header;
}

static volatile uint64_t sink;

static void floor_census(const struct floor_heap *heap) {
  static uint64_t counts[TYPES_MAX], most[TYPES_MAX];
  for (uint64_t i = 0; i < heap->count; i++) {
    uint64_t header = header_at(heap->bytes[i]), type = header >> 32 & (TYPES_MAX - 1);
    counts[type]++;
    if ((header & UINT32_MAX) > most[type]) most[type] = header & UINT32_MAX;
  }
  sink += counts[1] + most[1];
}

/* For each object the header of what its two references lead to. */
static void floor_chase(const struct floor_heap *heap) {
  uint64_t sum = 0, base = heap->arenas[0].address;
  for (uint64_t i = 0; i < heap->count; i++) {
    for (uint32_t k = 0; k < 2; k++) {
      uint64_t target = header_at(heap->bytes[i] + 8 + 8 * k);
      if (target < base) continue;
      const uint8_t *bytes = floor_bytes(heap, target);
      if (bytes != NULL) sum += header_at(bytes);
    }
  }
  sink += sum;
}

/* ---- the lens ----------------------------------------------------------------------------- */

static void census(struct bench *bench) {
  static lens_type_census types[TYPES_MAX];
  static lens_count_census counts[TYPES_MAX];
  uint64_t written, total;
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_walk(bench->target, SLICE_MS, NULL);
  check_status(bench->target, status);
  check_status(bench->target, lens_census(bench->target, TYPES_MAX, types, &written, &total));
  check_status(bench->target, lens_refcounts(bench->target, TYPES_MAX, counts, &written, &total));
}

/* `address` 0: the object in the middle of the heap. */
static void referrers(struct bench *bench, uint64_t address) {
  lens_referrer rows[16];
  uint64_t written = 0, total = 0;
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) {
    status = lens_referrers(bench->target, address, SLICE_MS, 0, 16, rows, &written, &total);
  }
  check_status(bench->target, status);
  bench->holders = total;
}

static void reach(struct bench *bench, uint64_t first) {
  uint32_t start;
  check_status(bench->target, lens_snapshot_find(bench->target, first, &start));
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) {
    status = lens_reach(bench->target, &start, 1, 0, SLICE_MS, NULL);
    note_memory(bench);
  }
  check_status(bench->target, status);
  lens_reached reached;
  check_status(bench->target, lens_reached_get(bench->target, &reached));
  bench->reached = reached.object_count;
}

static double lap(double *last) {
  double time = now(), seconds = time - *last;
  *last = now();
  return seconds;
}

static void round_of(struct bench *bench, const struct floor_heap *heap, uint32_t round) {
  uint64_t middle = heap->addresses[heap->count / 2];
  double last = now();
  floor_census(heap);
  bench->seconds[FLOOR_CENSUS][round] = lap(&last);
  floor_chase(heap);
  bench->seconds[FLOOR_CHASE][round] = lap(&last);
  fresh(bench);
  bench->seconds[OPEN][round] = lap(&last);
  census(bench);
  bench->seconds[CENSUS][round] = lap(&last);
  fresh(bench);
  lap(&last);
  referrers(bench, middle);
  bench->seconds[REFERRERS][round] = lap(&last);
  fresh(bench);
  bench->memory_before = anonymous_bytes();
  lap(&last);
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) {
    status = lens_index(bench->target, SLICE_MS, NULL);
    note_memory(bench);
  }
  check_status(bench->target, status);
  bench->seconds[INDEX][round] = lap(&last);
  reach(bench, middle);
  bench->seconds[REACH][round] = bench->seconds[INDEX][round] + lap(&last);
  referrers(bench, middle);
  bench->seconds[INDEXED_REFERRERS][round] = lap(&last);
}

static int by_value(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return left < right ? -1 : left > right;
}

int main(int argc, char **argv) {
  static struct bench bench;
  static struct floor_heap heap;
  uint32_t rounds = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 5;
  if (argc < 2 || rounds == 0 || rounds > ROUNDS_MAX) {
    fprintf(stderr, "usage: %s CORE [ROUNDS]\n", argv[0]);
    return 2;
  }
  lens_status status = lens_new_core(argv[1], NULL, &bench.target);
  if (status != LENS_OK) {
    fprintf(stderr, "measure: %s: %s\n", argv[1], lens_error(NULL));
    return 1;
  }
  floor_make(&bench, &heap);
  for (uint32_t round = 0; round < rounds; round++) round_of(&bench, &heap, round);
  for (uint32_t i = 0; i < FIGURES; i++) {
    qsort(bench.seconds[i], rounds, sizeof(double), by_value);
    double median = bench.seconds[i][rounds / 2];
    printf("%s\t%.6f\t%.2f\n", NAMES[i], median, median * 1e9 / (double)bench.objects);
  }
  printf("objects\t%llu\n", (unsigned long long)bench.objects);
  printf("reached\t%llu\n", (unsigned long long)bench.reached);
  printf("holders\t%llu\n", (unsigned long long)bench.holders);
  printf("bytes an object\t%.1f\n",
         (double)(bench.memory_bytes - bench.memory_before) / (double)bench.objects);
  floor_free(&heap);
  lens_free(bench.target);
  return 0;
}
