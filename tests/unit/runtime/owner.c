/* One thread at a time: a debug build stops the wrong thread at each kind of entry point, and a
 * heap is handed over whole. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nodes.h"

/* What the wrong thread does to the heap of another one. */
struct wrong {
  cairn_heap *heap;
  cairn_object *list, *second; /* `second` has a count of 2 */
  void *buffer;
};

static void allocates(struct wrong *w) { cairn_list_new(w->heap, 0); }
static void allocates_a_tail(struct wrong *w) { cairn_str_from(w->heap, "text"); }
static void makes_a_buffer(struct wrong *w) { cairn_buffer_new(w->heap, 100); }
static void frees_a_buffer(struct wrong *w) { cairn_buffer_free(w->buffer); }
static void kills(struct wrong *w) { cairn_release(w->list); }
static void makes_a_candidate(struct wrong *w) { cairn_release(w->second); }
static void collects(struct wrong *w) { cairn_collect(w->heap); }
static void collects_candidates(struct wrong *w) { cairn_collect_candidates(w->heap); }
static void collects_exclusively(struct wrong *w) { cairn_collect_exclusive(w->heap); }
static void defines_a_type(struct wrong *w) { nodes_define(w->heap, "another", NULL); }
static void finds_a_type(struct wrong *w) { cairn_type_find(w->heap, "int"); }
static void sets_a_weak_slot(struct wrong *w) { cairn_weakref_new(w->heap, w->list); }
static void interns(struct wrong *w) { cairn_str_intern(w->heap, "a", 1); }
static void sets_the_limit(struct wrong *w) { cairn_heap_limit_set(w->heap, 0); }
static void sets_the_soft_limit(struct wrong *w) { cairn_heap_soft_limit_set(w->heap, 0); }
static void sets_the_group(struct wrong *w) { cairn_heap_group_set(w->heap, NULL); }
static void trims(struct wrong *w) { cairn_heap_trim(w->heap); }
static void starts_tracking(struct wrong *w) {
  cairn_track_start(w->heap, &(cairn_track_options){.sites = true});
}
static void stops_tracking(struct wrong *w) { cairn_track_stop(w->heap); }
static void adds_external_bytes(struct wrong *w) { cairn_external_add(w->list, 1); }
static void asks_for_statistics(struct wrong *w) {
  cairn_stats stats;
  cairn_heap_stats(w->heap, &stats);
}
static void visit_nothing(cairn_object *object, void *context) {}
static void walks(struct wrong *w) { cairn_heap_walk(w->heap, visit_nothing, NULL); }
static void validates(struct wrong *w) { cairn_heap_validate(w->heap); }
static void hands_over(struct wrong *w) { cairn_heap_hand_over(w->heap); }
static void destroys(struct wrong *w) { cairn_heap_destroy(w->heap, NULL); }

struct attempt {
  const char *name;
  void (*act)(struct wrong *wrong);
};

struct call {
  const struct attempt *attempt;
  struct wrong *wrong;
};

static void *call(void *context) {
  const struct call *self = context;
  self->attempt->act(self->wrong);
  return NULL;
}

/* In a process of its own: makes a heap, and lets another thread use it. */
static void misuse(const struct attempt *attempt) {
  cairn_heap *heap = cairn_heap_new(&(cairn_heap_options){.name = "the first thread's"});
  struct wrong wrong = {.heap = heap,
                        .list = cairn_list_new(heap, 0),
                        .second = cairn_list_new(heap, 0),
                        .buffer = cairn_buffer_new(heap, 100)};
  cairn_retain(wrong.second);
  struct call self = {attempt, &wrong};
  pthread_t thread;
  if (pthread_create(&thread, NULL, call, &self) == 0) pthread_join(thread, NULL);
}

/* The process that `run` makes of the attempt ends with SIGABRT and says `words`. */
static void assert_stopped(const struct attempt *attempt, void (*run)(const struct attempt *),
                           const char *words) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    signal(SIGABRT, SIG_DFL);
    dup2(ends[1], STDERR_FILENO);
    run(attempt);
    _exit(0);
  }
  close(ends[1]);
  char said[1024];
  size_t length = 0;
  ssize_t got;
  while (length < sizeof said - 1 &&
         (got = read(ends[0], said + length, sizeof said - 1 - length)) > 0) {
    length += (size_t)got;
  }
  said[length] = '\0';
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || strstr(said, words) == NULL) {
    fail_msg("who %s: status %#x, \"%s\"", attempt->name, (unsigned)status, said);
  }
}

static void test_each_entry_point_asks(void **state) {
#define ATTEMPT(act) \
  { #act, act }
  const struct attempt attempts[] = {ATTEMPT(allocates),
                                     ATTEMPT(allocates_a_tail),
                                     ATTEMPT(makes_a_buffer),
                                     ATTEMPT(frees_a_buffer),
                                     ATTEMPT(kills),
                                     ATTEMPT(makes_a_candidate),
                                     ATTEMPT(collects),
                                     ATTEMPT(collects_candidates),
                                     ATTEMPT(collects_exclusively),
                                     ATTEMPT(defines_a_type),
                                     ATTEMPT(finds_a_type),
                                     ATTEMPT(sets_a_weak_slot),
                                     ATTEMPT(interns),
                                     ATTEMPT(sets_the_limit),
                                     ATTEMPT(adds_external_bytes),
                                     ATTEMPT(asks_for_statistics),
                                     ATTEMPT(walks),
                                     ATTEMPT(validates),
                                     ATTEMPT(hands_over),
                                     ATTEMPT(destroys),
                                     ATTEMPT(sets_the_soft_limit),
                                     ATTEMPT(sets_the_group),
                                     ATTEMPT(trims),
                                     ATTEMPT(starts_tracking),
                                     ATTEMPT(stops_tracking)};
#ifdef NDEBUG
  skip();
#endif
  for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
    assert_stopped(&attempts[i], misuse, "heap \"the first thread's\" belongs to thread");
  }
}

/* `heap` is a shared one, `list` and `second` are in an ordinary one. */
static void appends(struct wrong *w) { cairn_list_append(cairn_list_new(w->heap, 0), w->list); }
static void makes_a_tuple(struct wrong *w) { cairn_tuple_new(w->heap, 1, &w->list); }
static void makes_a_cell(struct wrong *w) { cairn_cell_new(w->heap, w->list); }
static void puts_a_key(struct wrong *w) {
  cairn_dict_set(cairn_dict_new(w->heap), w->list, cairn_none(w->heap));
}
static void puts_a_value(struct wrong *w) {
  cairn_dict_set_text(cairn_dict_new(w->heap), "key", w->list);
}
static void adds_to_a_set(struct wrong *w) { cairn_set_add(cairn_set_new(w->heap), w->list); }
static void fills_a_field(struct wrong *w) {
  static const char *const names[] = {"x"};
  cairn_type type = cairn_record_define(w->heap, "record", names, 1);
  cairn_record_set(cairn_record_new(w->heap, type), 0, w->list);
}
static void refers_weakly(struct wrong *w) { cairn_weakref_new(w->heap, w->list); }

static void mix_up(const struct attempt *attempt) {
  cairn_heap *heap = cairn_heap_new(&(cairn_heap_options){.shared = true});
  struct wrong wrong = {.heap = heap, .list = cairn_list_new(cairn_heap_new(NULL), 0)};
  attempt->act(&wrong);
}

static void test_a_shared_heap_is_closed(void **state) {
  const struct attempt attempts[] = {ATTEMPT(appends),       ATTEMPT(makes_a_tuple),
                                     ATTEMPT(makes_a_cell),  ATTEMPT(puts_a_key),
                                     ATTEMPT(puts_a_value),  ATTEMPT(adds_to_a_set),
                                     ATTEMPT(fills_a_field), ATTEMPT(refers_weakly)};
#ifdef NDEBUG
  skip();
#endif
  for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
    assert_stopped(&attempts[i], mix_up, "another heap");
  }
}

static void *use_and_hand_back(void *context) {
  cairn_heap *heap = context;
  cairn_object *list = cairn_list_new(heap, 0);
  assert_true(cairn_list_append(list, list));
  cairn_release(list);
  assert_int_equal(cairn_collect(heap), 1);
  cairn_heap_hand_over(heap);
  return NULL;
}

static void test_handed_over_and_back(void **state) {
  cairn_heap *heap = cairn_heap_new(NULL);
  cairn_object *mine = cairn_list_new(heap, 0);
  for (int i = 0; i < 3; i++) {
    cairn_heap_hand_over(heap);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, use_and_hand_back, heap), 0);
    pthread_join(thread, NULL);
  }
  cairn_release(mine);
  assert_true(cairn_heap_destroy(heap, NULL));
}

static void *use_shared(void *context) {
  cairn_object *list = cairn_list_new(context, 0);
  cairn_heap_hand_over(context); /* means nothing */
  cairn_release(list);
  return NULL;
}

static void test_a_shared_heap_is_nobodys(void **state) {
  cairn_heap *heap = cairn_heap_new(&(cairn_heap_options){.shared = true});
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, use_shared, heap), 0);
  pthread_join(thread, NULL);
  use_shared(heap);
  assert_true(cairn_heap_destroy(heap, NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_entry_point_asks),
      cmocka_unit_test(test_a_shared_heap_is_closed),
      cmocka_unit_test(test_handed_over_and_back),
      cmocka_unit_test(test_a_shared_heap_is_nobodys),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
