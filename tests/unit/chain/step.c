/* Counts are true at every instruction: a child process goes through deaths, collections and
 * growing containers one instruction at a time, and after each one the lens reads its heap.
 *
 * Whatever is half done, no block may look damaged, no count may be lower than what visibly holds
 * the object, and what lives before and after the operation is there with its count at least; and
 * the audit, told of registers, stack and memory, is certain of nothing wrong.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "../runtime/nodes.h"
#include "self.h"

extern const char cairn_contract_root[];

static struct nodes *current;
static cairn_object *survivor; /* held by the test and by what the operation changes */
static pid_t child;

static lens_status child_read(void *context, uint64_t address, uint64_t bytes, void *out,
                              uint64_t *read_bytes) {
  (void)context;
  struct iovec local = {.iov_base = out, .iov_len = (size_t)bytes};
  struct iovec remote = {.iov_base = (void *)(uintptr_t)address, .iov_len = (size_t)bytes};
  ssize_t got = process_vm_readv(child, &local, 1, &remote, 1, 0);
  *read_bytes = got < 0 ? 0 : (uint64_t)got;
  return LENS_OK;
}

/* Whatever lies outside the heap and may own an object: the child's registers, its stack with the
 * red zone, its variables.  Not what malloc gave out: the lens has used that memory, and what it
 * left there names every object. */
extern char __data_start, _end;
static void add_roots(lens *reader) {
  struct user_regs_struct registers;
  assert_int_equal(ptrace(PTRACE_GETREGS, child, NULL, &registers), 0);
  const unsigned long long *words = (const unsigned long long *)(const void *)&registers;
  for (size_t i = 0; i < sizeof registers / sizeof *words; i++) {
    const lens_root root = {
        .value = words[i], .kind = LENS_ROOT_REGISTER, .confidence = LENS_CONFIDENCE_CONSERVATIVE};
    assert_int_equal(lens_root_add(reader, &root), LENS_OK);
  }
  enum { RED_ZONE_BYTES = 128 };
  uint64_t cursor = 0, added;
  for (uint64_t i = 0; i < lens_region_count(reader); i++) {
    lens_region region;
    assert_int_equal(lens_region_get(reader, i, &region), LENS_OK);
    if (registers.rsp < region.start || registers.rsp >= region.end) continue;
    uint64_t start = registers.rsp - RED_ZONE_BYTES;
    assert_int_equal(
        lens_roots_scan(reader, start, region.end, LENS_ROOT_WORD, 0, 0, &cursor, &added), LENS_OK);
  }
  cursor = 0;
  assert_int_equal(lens_roots_scan(reader, address_of(&__data_start), address_of(&_end),
                                   LENS_ROOT_FOREIGN, LENS_NONE, 0, &cursor, &added),
                   LENS_OK);
}

static bool is_wrong;        /* the operation loses objects */
static uint64_t alarm_count; /* of the last look at such a one */

/* The program is right: an audit that is certain of something wrong lies. */
static void assert_no_alarm(lens *reader, uint64_t step) {
  add_roots(reader);
  const lens_audit_filter filter = {0};
  lens_audit_totals totals;
  assert_int_equal(lens_audit(reader, &filter, 0, NULL), LENS_OK);
  assert_int_equal(lens_audit_totals_get(reader, &totals), LENS_OK);
  alarm_count = totals.over + totals.under;
  if (alarm_count == 0 || is_wrong) return;
  lens_finding row;
  uint64_t written, total;
  assert_int_equal(lens_findings(reader, 1, &row, &written, &total), LENS_OK);
  fail_msg("step %" PRIu64 ": a false alarm about 0x%" PRIx64 ": count %" PRIu64 ", %" PRIu64
           " slots, %" PRIu64 " roots",
           step, row.address, row.refcount, row.heap_refs, row.root_refs);
}

static void assert_true_now(lens *reader, uint64_t step) {
  lens_refresh(reader);
  assert_int_equal(lens_root_hint(reader, address_of(cairn_contract_root)), LENS_OK);
  assert_int_equal(lens_model_load(reader, 0), LENS_OK);
  assert_int_equal(lens_account_all(reader, 0, NULL), LENS_OK);
  lens_accounts accounts;
  assert_int_equal(lens_accounts_get(reader, &accounts), LENS_OK);
  lens_walk_totals totals;
  assert_int_equal(lens_walk_totals_get(reader, &totals), LENS_OK);
  if (accounts.under != 0) fail_msg("step %" PRIu64 ": a count is too low", step);
  if (totals.damaged_blocks != 0) fail_msg("step %" PRIu64 ": a damaged block", step);
  lens_object object;
  assert_int_equal(lens_object_at(reader, address_of(survivor), &object), LENS_OK);
  assert_true(object.refcount >= 1);
  assert_no_alarm(reader, step);
}

/* ---- stepping -------------------------------------------------------------------------------- */

/* Memory of the heap, as it was when it was looked at last: most instructions change none of it. */
struct watched {
  struct iovec parts[CAIRN_ARENA_PAGES + 2];
  size_t count, bytes;
  unsigned char *before, *now;
};

static void watch(struct watched *watched, void *memory, size_t bytes) {
  watched->parts[watched->count++] = (struct iovec){memory, bytes};
  watched->bytes += bytes;
}

/* The heap's struct, the page table of its only arena, and in each page the blocks that are used
 * or will be next. */
static struct watched *watch_heap(void) {
  enum { NEXT_BYTES = 1024 };
  struct watched *watched = calloc(1, sizeof *watched);
  assert_non_null(watched);
  struct cairn_arena *arena = current->heap->arenas;
  assert_null(arena->next);
  watch(watched, current->heap, sizeof *current->heap);
  watch(watched, arena, CAIRN_PAGE_TABLE_OFFSET + arena->page_count * sizeof(struct cairn_page));
  unsigned free_pages = 0;
  for (uint32_t i = 1; i < arena->page_count && free_pages < 4; i++) {
    struct cairn_page *page = cairn_arena_page(arena, i);
    bool is_free = page->kind == CAIRN_PAGE_FREE;
    free_pages += is_free;
    size_t bytes = (is_free ? 0 : page->fresh * page->block_bytes) + NEXT_BYTES;
    watch(watched, cairn_page_memory(arena, page),
          bytes < CAIRN_PAGE_BYTES ? bytes : CAIRN_PAGE_BYTES);
  }
  watched->before = calloc(1, watched->bytes);
  watched->now = calloc(1, watched->bytes);
  assert_non_null(watched->before);
  assert_non_null(watched->now);
  return watched;
}

static void watched_free(struct watched *watched) {
  free(watched->before);
  free(watched->now);
  free(watched);
}

static bool has_changed(struct watched *watched) {
  struct iovec local = {watched->now, watched->bytes};
  ssize_t got = process_vm_readv(child, &local, 1, watched->parts, watched->count, 0);
  assert_int_equal(got, watched->bytes);
  if (memcmp(watched->before, watched->now, watched->bytes) == 0) return false;
  unsigned char *swap = watched->before;
  watched->before = watched->now;
  watched->now = swap;
  return true;
}

/* Steps a child through the operation; looks after each instruction that changed the heap. */
static void step_through(void (*operation)(void)) {
  const lens_reader reader = {.read = child_read};
  lens *self = NULL;
  assert_int_equal(lens_new(&reader, &self), LENS_OK);
  self_regions_add(self);
  struct watched *watched = watch_heap();
  child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    (void)raise(SIGSTOP);
    operation();
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
  uint64_t steps = 0;
  uint64_t looks = 0;
  while (WIFSTOPPED(status)) {
    steps++;
    if (has_changed(watched)) {
      looks++;
      assert_true_now(self, steps);
    }
    assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
  }
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  assert_in_range(looks, 50, steps);
  watched_free(watched);
  lens_free(self);
}

/* ---- operations ------------------------------------------------------------------------------ */

static cairn_object *thing;

static void release_thing(void) { cairn_release(thing); }
static void collect_all(void) { (void)cairn_collect(current->heap); }
static void collect_candidates(void) { (void)cairn_collect_candidates(current->heap); }
static void grow_list(void) {
  for (int i = 0; i < 6; i++) {
    if (!cairn_list_append(thing, survivor)) _exit(1);
  }
  if (!cairn_list_insert(thing, 2, survivor) || !cairn_list_remove(thing, 0)) _exit(1);
}
static void grow_dict(void) {
  for (int64_t i = 0; i < 10; i++) {
    cairn_object *key = cairn_int_new(current->heap, i);
    if (!cairn_dict_set(thing, key, survivor)) _exit(1);
    if (i % 3 == 0 && !cairn_dict_remove(thing, key)) _exit(1);
  }
}

enum { LOST_COUNT = 40 };
static void lose(void) {
  for (int i = 0; i < LOST_COUNT; i++) (void)node_new(current, current->plain, i);
}

static struct node *holder_of_survivor(int64_t id) {
  struct node *node = node_new(current, id % 2 == 0 ? current->plain : current->watched, id);
  node->left = cairn_retain(survivor);
  node->right = cairn_retain(survivor);
  return node;
}

/* Nodes, a list, a dict, a tuple; weak slots to and from them; most hold the survivor. */
static cairn_object *garden(void) {
  struct node *root = node_new(current, current->watched, 0);
  cairn_object *dict = cairn_dict_new(current->heap);
  cairn_object *list = cairn_list_new(current->heap, 0);
  for (int64_t i = 0; i < 3; i++) {
    struct node *node = holder_of_survivor(i);
    struct node *key = holder_of_survivor(i + 1);
    assert_true(cairn_weak_set(&node->base, &node->weak, &key->base));
    assert_true(cairn_weak_set(&key->base, &key->weak, survivor));
    cairn_object *tuple =
        cairn_tuple_new(current->heap, 3, (cairn_object *[]){survivor, &node->base, &key->base});
    assert_true(cairn_dict_set(dict, &key->base, tuple));
    assert_true(cairn_list_append(list, tuple));
    cairn_release(tuple);
    cairn_release(&node->base);
    cairn_release(&key->base);
  }
  root->left = dict;
  root->right = list;
  return &root->base;
}

static int begin(void **state) {
  int status = nodes_setup(state);
  current = *state;
  survivor = &node_new(current, current->plain, 99)->base;
  thing = NULL;
  return status;
}

static int finish(void **state) {
  if (thing != NULL) cairn_release(thing);
  cairn_collect(current->heap);
  cairn_release(survivor);
  return nodes_teardown(state);
}

static void a_death(void **state) {
  (void)state;
  thing = garden();
  step_through(release_thing);
}

/* The garden in a ring that nothing holds. */
static void make_garbage(void) {
  struct node *root = as_node(garden());
  struct node *deep = as_node(cairn_tuple_get(cairn_list_get(root->right, 2), 1));
  cairn_assign(&deep->left, &root->base);
  cairn_release(&root->base);
}

static void a_full_collection(void **state) {
  (void)state;
  make_garbage();
  step_through(collect_all);
}

static void a_local_collection(void **state) {
  (void)state;
  make_garbage();
  step_through(collect_candidates);
}

static void a_growing_list(void **state) {
  (void)state;
  thing = cairn_list_new(current->heap, 0);
  step_through(grow_list);
}

static void a_growing_dict(void **state) {
  (void)state;
  thing = cairn_dict_new(current->heap);
  step_through(grow_dict);
}

/* The other way round: who loses objects is found out, all but those whose addresses lie about. */
static void a_loss(void **state) {
  (void)state;
  is_wrong = true;
  step_through(lose);
  is_wrong = false;
  assert_in_range(alarm_count, LOST_COUNT - 10, LOST_COUNT);
}

/* It is the runtime's own code that is stepped through; a sanitizer's is ten times as much. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

int main(void) {
  if (IS_SANITIZED) return 0;
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)
  const struct CMUnitTest tests[] = {
      TEST(a_death),        TEST(a_full_collection), TEST(a_local_collection),
      TEST(a_growing_list), TEST(a_growing_dict),    TEST(a_loss),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
