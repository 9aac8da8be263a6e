/* Words in malloc's blocks: those in blocks that were given back are no roots, those in blocks that
 * are in use all are, whatever was allocated and freed before, in whatever thread.
 *
 * A process of its own allocates and waits; this one reads it, as its own reading would change what
 * it reads.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cairn/cairn.h>

#include "../../random.h"
#include "self.h"

#include "analysis.h"

enum { ROUNDS = 3, BLOCKS = 1000, THREADS = 3, BYTES_MAX = 3000, LARGE_BYTES = 12000 };

static cairn_heap *heap;
static cairn_object *target;

/* What the other process says of its blocks; the pointers are disguised, so that no word of these
 * rows is taken for a reference. */
struct block {
  uintptr_t disguised;
  size_t bytes;
  bool used;
};
struct plot {
  uint64_t random;
  struct block rows[BLOCKS];
};
static struct plot *plots; /* of THREADS; both processes see them */

static uintptr_t disguise(const void *pointer) { return ~(uintptr_t)pointer; }

/* All words but the first two of a block, where malloc keeps its own when it is free. */
static void fill(const struct block *block, uintptr_t word) {
  uintptr_t *words = (uintptr_t *)~block->disguised; /* NOLINT(performance-no-int-to-ptr) */
  for (size_t i = 2; i < block->bytes / sizeof *words; i++) words[i] = word;
}

static void give_back(struct block *block) {
  block->used = false; /* first: the process may be stopped at any instruction */
  CAIRN_ORDER();
  free((void *)~block->disguised); /* NOLINT(performance-no-int-to-ptr) */
}

/* Allocates and frees at random; each block is full of references until it is freed, and keeps
 * what malloc leaves of them then. */
static void *work(void *context) {
  struct plot *plot = context;
  for (size_t i = 0; i < BLOCKS; i++) {
    struct block *block = &plot->rows[random_below(&plot->random, BLOCKS)];
    bool grown = block->used && random_below(&plot->random, 4) == 0;
    if (block->used && !grown) {
      give_back(block);
      continue;
    }
    block->used = false;
    CAIRN_ORDER();
    uint64_t kind = random_below(&plot->random, 16);
    block->bytes = kind == 0  ? LARGE_BYTES + random_below(&plot->random, LARGE_BYTES)
                   : kind < 4 ? 1 + random_below(&plot->random, BYTES_MAX)
                              : 16 + random_below(&plot->random, 120);
    void *before = grown ? (void *)~block->disguised : NULL; /* NOLINT(performance-no-int-to-ptr) */
    void *memory = realloc(before, block->bytes);
    if (memory == NULL) abort();
    block->disguised = disguise(memory);
    CAIRN_ORDER();
    block->used = true;
    fill(block, (uintptr_t)target);
  }
  return NULL;
}

/* ---- the other process ---- */

static pthread_barrier_t worked;

/* A thread that is still there while its blocks are looked for. */
static void *work_and_stay(void *context) {
  work(context);
  pthread_barrier_wait(&worked);
  pause();
  return NULL;
}

static void *work_and_go(void *context) { return work(context); }

_Noreturn static void be_looked_at(int told) {
  pthread_barrier_init(&worked, NULL, THREADS);
  for (size_t i = 1; i < THREADS; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work_and_go, &plots[i]) != 0) abort();
    if (pthread_join(thread, NULL) != 0) abort();
    if (pthread_create(&thread, NULL, work_and_stay, &plots[i]) != 0) abort();
  }
  work(&plots[0]);
  pthread_barrier_wait(&worked);
  if (write(told, "", 1) != 1) abort();
  for (;;) pause();
}

/* ---- looking ---- */

static pid_t other;

static lens_status other_read(void *context, uint64_t address, uint64_t bytes, void *out,
                              uint64_t *read_bytes) {
  (void)context;
  struct iovec local = {.iov_base = out, .iov_len = (size_t)bytes};
  struct iovec remote = {.iov_base = (void *)(uintptr_t)address, .iov_len = (size_t)bytes};
  ssize_t got = process_vm_readv(other, &local, 1, &remote, 1, 0);
  *read_bytes = got < 0 ? 0 : (uint64_t)got;
  return LENS_OK;
}

static lens *scanned(void) {
  const lens_reader reader = {.read = other_read};
  lens *self = NULL;
  assert_int_equal(lens_new(&reader, &self), LENS_OK);
  char maps[64];
  (void)snprintf(maps, sizeof maps, "/proc/%d/maps", (int)other);
  maps_add(self, maps);
  assert_int_equal(lens_model_load(self, 0), LENS_OK);
  lens_progress progress;
  assert_int_equal(lens_walk(self, 0, &progress), LENS_OK);
  uint64_t count = 0, total = 0;
  assert_int_equal(lens_foreign_ranges(self, 0, NULL, &count, &total), LENS_OK);
  lens_region *ranges = calloc(total + 1, sizeof *ranges);
  assert_non_null(ranges);
  assert_int_equal(lens_foreign_ranges(self, total, ranges, &count, &total), LENS_OK);
  for (uint64_t i = 0; i < count; i++) {
    uint64_t cursor = ranges[i].start, added = 0;
    lens_status status = LENS_AGAIN;
    while (status == LENS_AGAIN) {
      status = lens_roots_scan(self, ranges[i].start, ranges[i].end, LENS_ROOT_FOREIGN, LENS_NONE,
                               1, &cursor, &added);
    }
    assert_int_equal(status, LENS_OK);
  }
  free(ranges);
  return self;
}

/* No word of a block in use is said to be freed. */
static void check_used(const lens *self, const struct plot *plot) {
  const struct lens_freed *freed = &self->analysis->freed;
  for (size_t i = 0; i < BLOCKS; i++) {
    const struct block *block = &plot->rows[i];
    uint64_t start = ~(uint64_t)block->disguised;
    if (!block->used) continue;
    for (uint64_t at = start; at + 8 <= start + block->bytes; at += 8) {
      if (lens_freed_holds(freed, at))
        fail_msg("0x%" PRIx64 " of %zu bytes is in use, at +%" PRIu64, start, block->bytes,
                 at - start);
    }
  }
}

/* The words of blocks in use. */
static uint64_t count_used(const struct plot *plot) {
  uint64_t words = 0;
  for (size_t i = 0; i < BLOCKS; i++) {
    if (plot->rows[i].used && plot->rows[i].bytes / 8 > 2) words += plot->rows[i].bytes / 8 - 2;
  }
  return words;
}

/* Starts the process that is looked at; the other end of its pipe tells when all is done. */
static int begin_round(uint64_t round) {
  int told[2];
  assert_int_equal(pipe(told), 0);
  memset(plots, 0, THREADS * sizeof *plots);
  for (size_t i = 0; i < THREADS; i++) plots[i].random = round * THREADS + i;
  other = fork();
  if (other == 0) be_looked_at(told[1]);
  assert_true(other > 0);
  close(told[1]);
  return told[0];
}

static void end_round(int told) {
  kill(other, SIGKILL);
  assert_int_equal(waitpid(other, NULL, 0), other);
  close(told);
}

static void blocks_that_were_given_back(void **state) {
  (void)state;
  uint64_t stale = 0, missed = 0;
  for (uint64_t round = 1; round <= ROUNDS; round++) {
    int told = begin_round(round);
    char byte;
    assert_int_equal(read(told, &byte, 1), 1);
    lens *self = scanned();
    uint64_t used = 0, roots = lens_root_count(self);
    for (size_t i = 0; i < THREADS; i++) {
      check_used(self, &plots[i]);
      used += count_used(&plots[i]);
    }
    assert_true(roots >= used);
    stale += self->analysis->roots.stale_count;
    missed += roots - used;
    lens_free(self);
    end_round(told);
  }
  /* Nearly all of what is stale is known to be. */
  assert_true(stale > 1000);
  assert_true(missed * 10 < stale);
}

/* At any instruction, those of malloc included. */
static void a_process_that_is_stopped_anywhere(void **state) {
  (void)state;
  uint64_t random = 7, stale = 0;
  for (uint64_t round = 1; round <= ROUNDS * 2; round++) {
    int told = begin_round(round);
    usleep((useconds_t)random_below(&random, 25000));
    assert_int_equal(kill(other, SIGSTOP), 0);
    int status;
    assert_int_equal(waitpid(other, &status, WUNTRACED), other);
    assert_true(WIFSTOPPED(status));
    lens *self = scanned();
    for (size_t i = 0; i < THREADS; i++) check_used(self, &plots[i]);
    stale += self->analysis->roots.stale_count;
    lens_free(self);
    end_round(told);
  }
  assert_true(stale > 1000);
}

int main(void) {
  plots = mmap(NULL, THREADS * sizeof *plots, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
               -1, 0);
  if (plots == MAP_FAILED) return 1;
  heap = cairn_heap_new(NULL);
  target = cairn_list_new(heap, 0);
  const struct CMUnitTest tests[] = {cmocka_unit_test(blocks_that_were_given_back),
                                     cmocka_unit_test(a_process_that_is_stopped_anywhere)};
  int failed = cmocka_run_group_tests_name("freed", tests, NULL, NULL);
  cairn_release(target);
  return cairn_heap_destroy(heap, NULL) ? failed : 1;
}
