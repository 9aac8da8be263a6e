/* cacheserver: a cache server under a load drawn by lot, and bugs on order.
 *
 *     cacheserver [-seed N] [-requests N] [-shards N] [-plant PLACE:KIND[:EVERY]] [-end] [-truth]
 *     cacheserver -list
 *
 * It serves its requests, each shard in a thread of its own, finishes what was put off, and aborts
 * for a core or a debugger: all is at rest then, with sessions open and entries cached.  With -end
 * it takes everything down instead, and says whether anything leaked.  The same arguments do the
 * same.
 *
 * Without -plant every count is right and nothing leaks.  With it one line is wrong: -list says
 * which places there are, and plant.h what the kinds are.  With -truth it prints the truth
 * about the bug; where $SCENARIO_TRUTH is set the truth goes into the file of that name.
 *
 * How such bugs are found: docs/GUIDE.md.
 */
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "server.h"

enum { SHARDS_MAX = 8, PAGES = 5 };

static struct {
  uint64_t seed, requests, shards;
  bool end, truth;
} arguments = {1, 1500, 3, false, false};

static cairn_object *front_page; /* owned, of the catalog */
static sem_t done;

struct worker {
  struct shard shard;
  pthread_t thread;
  struct plant_ledger *ledger;
  bool clean;
};

/* Wipes what calls left below this frame: an old address is no reference, but would look like one.
 */
__attribute__((noinline)) static void wipe_stack(void) {
  volatile char below[16384];
  for (size_t i = 0; i < sizeof below; i++) below[i] = 0;
}

static void shard_begin(struct shard *shard, const char *name, uint64_t seed) {
  /* Cycles are for the operator to collect, at night. */
  shard->heap = cairn_heap_new(&(cairn_heap_options){.name = name, .manual_collection = true});
  if (shard->heap == NULL) abort();
  shard->random = seed * 0x9e3779b97f4a7c15u + 1;
  shard->next_id = FIRST_ID;
  session_define(shard);
  cache_define(shard);
  request_define(shard);
  cairn_object **slots[] = {&shard->by_id,  &shard->by_user, &shard->by_key,
                            &shard->recent, &shard->timers,  &shard->online};
  for (size_t i = 0; i < 6; i++) {
    *slots[i] = i < 3   ? cairn_dict_new(shard->heap)
                : i < 5 ? cairn_list_new(shard->heap, 0)
                        : cairn_set_new(shard->heap);
    if (*slots[i] == NULL) abort();
  }
}

__attribute__((noinline)) void server_tick(const struct shard *shard) {
  static atomic_ulong ticks;
  (void)shard;
  ticks++;
}

__attribute__((noinline)) static void shard_work(struct shard *shard) {
  for (uint64_t i = 0; i < arguments.requests && !plant_over(); i++) {
    if (i == arguments.requests * 2 / 3) plant_last_phase();
    request_serve(shard);
    if ((i + 1) % 1000 == 0) server_tick(shard);
  }
  shard->now += 1000;
  timers_run(shard);
  jobs_run(shard);
  if (!plant_over()) return;
  /* A count is too low now.  The clients hang up: a place outside the heap that refers to the
   * object could make up for that, for nobody knows whether it owns. */
  while (shard->connections != NULL) connection_close(shard, 0);
  served_by_this_thread(NULL);
}

static bool shard_end(struct shard *shard) {
  plant_take_down();
  while (shard->connections != NULL) connection_close(shard, 0);
  served_by_this_thread(NULL);
  for (int64_t id = FIRST_ID; id < shard->next_id; id++) {
    cairn_object *key = cairn_int_new(shard->heap, id);
    cairn_object *session = cairn_retain(cairn_dict_get(shard->by_id, key));
    cairn_release(key);
    if (session != NULL) session_close(shard, (struct session *)session);
    cairn_release(session);
  }
  cairn_release(shard->by_key);
  cairn_release(shard->by_id);
  cairn_release(shard->by_user);
  cairn_release(shard->recent);
  cairn_release(shard->timers);
  cairn_release(shard->online);
  cairn_leak_report report;
  bool clean = cairn_heap_destroy(shard->heap, &report);
  if (!clean) printf("%" PRIu64 " objects leaked\n", report.object_count);
  return clean;
}

/* A session that is held keeps its favourite and its callbacks. */
static _Thread_local bool more_is_held;

static void keep(const cairn_object *object) {
  if (object == NULL || plant_is_held(object)) return;
  plant_linked(object, true);
  more_is_held = true;
}

static void keep_what_it_holds(cairn_object *object) {
  const struct session *session = (const struct session *)object;
  size_t count = 0;
  cairn_object *const *items = NULL;
  if (session->callbacks != NULL) items = cairn_list_items(session->callbacks, &count);
  for (size_t i = 0; i < count; i++) keep(items[i]);
  keep(session->favourite);
}

/* A worker's whole life, main's too. */
static void work(struct worker *worker) {
  worker->ledger = plant_begin();
  shard_work(&worker->shard);
  do {
    more_is_held = plant_spread();
    plant_each_held("session", keep_what_it_holds);
  } while (more_is_held);
  if (arguments.end) worker->clean = shard_end(&worker->shard);
}

static void *worker_main(void *argument) {
  work(argument);
  wipe_stack();
  (void)sem_post(&done);
  while (!arguments.end) (void)pause(); /* main dies first */
  return NULL;
}

static cairn_object *catalog_new(cairn_heap *heap) {
  cairn_object *pages[PAGES];
  for (int i = 0; i < PAGES; i++) pages[i] = cairn_str_format(heap, "page %d: all is well", i);
  cairn_object *catalog = cairn_tuple_new(heap, PAGES, pages);
  if (catalog == NULL) abort();
  for (int i = 0; i < PAGES; i++) cairn_clear(&pages[i]);
  front_page = cairn_str_from(heap, "welcome");
  if (front_page == NULL) abort();
  return catalog;
}

static void tell(const struct worker *workers) {
  const char *path = getenv("SCENARIO_TRUTH");
  if (path == NULL && !arguments.truth) return;
  FILE *file = path == NULL ? stdout : fopen(path, "w");
  if (file == NULL) abort();
  for (uint64_t i = 0; i < arguments.shards; i++) plant_tell(workers[i].ledger, file);
  (void)fprintf(file, "end\n");
  if (file == stdout ? fflush(file) != 0 : fclose(file) != 0) abort();
}

static int run(void) {
  cairn_heap *shared = cairn_heap_new(&(cairn_heap_options){.name = "catalog", .shared = true});
  struct worker *workers = calloc(arguments.shards, sizeof *workers);
  if (shared == NULL || workers == NULL || sem_init(&done, 0, 0) != 0) abort();
  cairn_object *catalog = catalog_new(shared);
  for (uint64_t i = 0; i < arguments.shards; i++) {
    char name[32];
    (void)snprintf(name, sizeof name, "shard %" PRIu64, i);
    shard_begin(&workers[i].shard, name, arguments.seed * SHARDS_MAX + i);
    workers[i].shard.catalog = catalog;
  }
  for (uint64_t i = 1; i < arguments.shards; i++) {
    cairn_heap_hand_over(workers[i].shard.heap);
    if (pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]) != 0) abort();
  }
  work(&workers[0]);
  for (uint64_t i = 1; i < arguments.shards; i++) {
    while (sem_wait(&done) != 0) continue;
  }
  if (!arguments.end) {
    tell(workers);
    wipe_stack();
    abort();
  }
  bool clean = workers[0].clean;
  for (uint64_t i = 1; i < arguments.shards; i++) {
    (void)pthread_join(workers[i].thread, NULL);
    clean = clean && workers[i].clean;
  }
  cairn_clear(&front_page);
  cairn_release(catalog);
  clean = cairn_heap_destroy(shared, NULL) && clean;
  for (uint64_t i = 0; i < arguments.shards; i++) plant_end(workers[i].ledger);
  free(workers);
  printf("%s\n", clean ? "nothing leaked" : "something leaked");
  return clean ? 0 : 1;
}

int main(int count, char **words) {
  for (int i = 1; i < count; i++) {
    uint64_t *number = strcmp(words[i], "-seed") == 0       ? &arguments.seed
                       : strcmp(words[i], "-requests") == 0 ? &arguments.requests
                       : strcmp(words[i], "-shards") == 0   ? &arguments.shards
                                                            : NULL;
    bool more = i + 1 < count, good = true;
    if (strcmp(words[i], "-list") == 0) {
      plant_list(stdout);
      return 0;
    }
    if (strcmp(words[i], "-end") == 0) {
      arguments.end = true;
    } else if (strcmp(words[i], "-truth") == 0) {
      arguments.truth = true;
    } else if (number != NULL && more) {
      *number = strtoull(words[++i], NULL, 0);
    } else {
      good = strcmp(words[i], "-plant") == 0 && more && plant_order(words[++i]);
    }
    if (!good || arguments.shards < 1 || arguments.shards > SHARDS_MAX) {
      (void)fprintf(stderr, "cacheserver: '%s' makes no sense here; its source says what does\n",
                    words[i]);
      return 2;
    }
  }
  return run();
}
