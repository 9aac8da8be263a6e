/* Counts are true at every instruction: containers are changed in a child process that is stepped
 * one instruction at a time, and at each the parent reads the child's memory as a debugger would.
 *
 * At every instruction, for each item that the child keeps one reference to:
 *  - slots that can be seen + 1 <= count;
 *  - count <= slots that can be seen + 2: one reference is under way at most, unless heap.flux
 * names the container, whose elements are being moved;
 *  - a container points to a live buffer, and its slots hold items or nothing.
 *
 * A tree that dies is no container any more: what its nodes still own follows from their headers.
 */
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builtin.h"
#include "builtin_test.h"

/* Each instruction is a switch of processes; an instrumented one is a dozen of them. */
#if defined(__SANITIZE_ADDRESS__)
enum { ITEMS = 10 };
#else
enum { ITEMS = 30 };
#endif

/* The same in both processes: made before the fork. */
static cairn_heap *heap;
static cairn_object *items[ITEMS];
static cairn_object *container;
static cairn_type container_type;
static bool is_shifting; /* elements are moved within the container */

/* A tree whose root is the container: each node holds the next one, and then the first item. */
enum { NODES = 8 };
struct node {
  cairn_object base;
  cairn_object *words[2];
};
static struct node *nodes[NODES];

/* ---- reading the child ----------------------------------------------------------------------- */

static void peek(pid_t child, void *to, const void *from, size_t bytes) {
  struct iovec here = {to, bytes};
  struct iovec there = {(void *)(uintptr_t)from, bytes};
  if (process_vm_readv(child, &here, 1, &there, 1, 0) != (ssize_t)bytes) {
    fail_msg("%zu bytes at %p are not readable", bytes, from);
  }
}

struct sight {
  uint64_t count[ITEMS];
  uint32_t slots[ITEMS];
  bool in_flux;
};

static void see_slot(struct sight *sight, const cairn_object *held) {
  if (held == NULL) return;
  for (int i = 0; i < ITEMS; i++) {
    if (items[i] == held) {
      sight->slots[i]++;
      return;
    }
  }
  fail_msg("a slot holds %p, which is no item", (const void *)held);
}

static void see_buffer(pid_t child, const void *buffer) {
  uint64_t header;
  peek(child, &header, (const char *)buffer - 8, sizeof(header));
  const uint64_t state = CAIRN_STATE(LIVE) | CAIRN_STATE(BUFFER);
  assert_true((header & state) == state);
}

static void see_list(pid_t child, struct sight *sight) {
  struct cairn_list list;
  peek(child, &list, container, sizeof(list));
  if (list.items == NULL) {
    assert_int_equal(list.count, 0);
    return;
  }
  see_buffer(child, list.items);
  cairn_object *held[256];
  assert_in_range(list.count, 0, 256);
  peek(child, held, list.items, list.count * sizeof(*held));
  for (uint32_t i = 0; i < list.count; i++) see_slot(sight, held[i]);
}

static void see_mapping(pid_t child, struct sight *sight) {
  struct cairn_mapping mapping;
  peek(child, &mapping, container, sizeof(mapping));
  if (mapping.table == NULL) return;
  see_buffer(child, mapping.table);
  struct cairn_table table;
  peek(child, &table, mapping.table, sizeof(table));
  if (table.row_count == 0) return;
  char rows[256 * sizeof(struct cairn_row)];
  assert_in_range(table.row_count, 0, 256);
  assert_true(table.row_count <= table.capacity);
  size_t row_bytes = table.row_words * sizeof(uint64_t);
  peek(child, rows, mapping.table + 1, table.row_count * row_bytes);
  for (uint32_t i = 0; i < table.row_count; i++) {
    struct cairn_row row = {0};
    memcpy(&row, rows + i * row_bytes, row_bytes);
    if (row.key == NULL) continue;
    see_slot(sight, row.key);
    see_slot(sight, row.value);
  }
}

static void see_single(pid_t child, struct sight *sight) {
  cairn_object *held;
  peek(child, &held, container + 1, sizeof(held));
  see_slot(sight, held);
}

/* What a node owns, by object.h: of a dying one nothing before the word that its ordinal names,
 * which holds a link, and all behind it. */
static void see_tree(pid_t child, struct sight *sight) {
  for (size_t i = 0; i < NODES; i++) {
    struct node node;
    peek(child, &node, nodes[i], sizeof(node));
    uint64_t header = node.base.header;
    size_t owned = (header & (CAIRN_STATE(LIVE) | CAIRN_STATE(DYING))) != 0 ? 0 : 2;
    if ((header & CAIRN_STATE(DYING)) != 0) owned = header & CAIRN_COUNT_MASK;
    for (; owned < 2; owned++) {
      const cairn_object *held = node.words[owned];
      if (i + 1 == NODES || held != &nodes[i + 1]->base) see_slot(sight, held);
    }
  }
}

static void look(pid_t child, struct sight *sight) {
  memset(sight, 0, sizeof(*sight));
  struct cairn_heap now;
  peek(child, &now, heap, sizeof(now));
  sight->in_flux = now.flux != CAIRN_FLUX_NONE && now.flux_object == container;
  switch (container_type) {
    case CAIRN_TYPE_LIST:
      see_list(child, sight);
      break;
    case CAIRN_TYPE_CELL:
      see_single(child, sight);
      break;
    case CAIRN_TYPE_DICT:
    case CAIRN_TYPE_SET:
      see_mapping(child, sight);
      break;
    default:
      see_tree(child, sight);
  }
  uint64_t headers[ITEMS];
  struct iovec here = {headers, sizeof(headers)};
  struct iovec there[ITEMS];
  for (int i = 0; i < ITEMS; i++) there[i] = (struct iovec){items[i], sizeof(headers[i])};
  assert_int_equal(process_vm_readv(child, &here, 1, there, ITEMS, 0), sizeof(headers));
  for (int i = 0; i < ITEMS; i++) {
    assert_true((headers[i] & CAIRN_STATE(LIVE)) != 0);
    sight->count[i] = headers[i] & CAIRN_COUNT_MASK;
  }
}

static void judge(const struct sight *sight, uint64_t step) {
  for (int i = 0; i < ITEMS; i++) {
    uint64_t known = sight->slots[i] + 1;
    bool explained = (is_shifting && sight->in_flux) || sight->count[i] <= known + 1;
    if (sight->count[i] >= known && explained) continue;
    fail_msg("instruction %llu: item %d has a count of %llu, and %u slots hold it",
             (unsigned long long)step, i, (unsigned long long)sight->count[i], sight->slots[i]);
  }
}

/* ---- stepping -------------------------------------------------------------------------------- */

static void child_main(void (*operations)(void)) {
  if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(2);
  (void)raise(SIGSTOP);
  operations();
  (void)raise(SIGSTOP);
  _exit(0);
}

/* Steps through `operations`; fails unless there are at least `minimum` instructions. */
static void step_through(void (*operations)(void), uint64_t minimum) {
  container_type = cairn_type_index(container);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) child_main(operations);
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  if (!WIFSTOPPED(status)) skip(); /* no process may be traced here */
  uint64_t steps = 0;
  struct sight sight;
  do {
    assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSTOPPED(status));
    steps++;
    look(child, &sight);
    judge(&sight, steps);
  } while (WSTOPSIG(status) == SIGTRAP);
  assert_int_equal(WSTOPSIG(status), SIGSTOP);
  assert_int_equal(ptrace(PTRACE_KILL, child, NULL, NULL), 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  print_message("%llu instructions\n", (unsigned long long)steps);
  assert_true(steps >= minimum);
}

/* ---- what is stepped through -------------------------------------------------------------------
 */

static void grow_list(void) {
  for (int i = 0; i < ITEMS; i++) cairn_list_append(container, items[i]);
  for (size_t i = 0; i < ITEMS; i += 7) cairn_list_set(container, i, items[0]);
  for (int i = 0; i < ITEMS / 3; i++) cairn_release(cairn_list_pop(container));
  cairn_list_trim(container);
  cairn_list_append(container, items[ITEMS - 1]);
  cairn_list_clear(container);
}

/* Each item three times, so that an item whose slots are all out of sight stands out. */
static void shift_list(void) {
  for (size_t i = 0; i < ITEMS; i++) cairn_list_insert(container, i / 4, items[i % (ITEMS / 3)]);
  for (size_t i = 0; i < ITEMS / 2; i++) cairn_list_remove(container, i);
  cairn_list_clear(container);
}

static void change_dict(void) {
  for (int i = 0; i < ITEMS; i++) cairn_dict_set(container, items[i], items[ITEMS - 1 - i]);
  for (int i = 0; i < ITEMS; i += 4) cairn_dict_set(container, items[i], items[1]);
  for (int i = 0; i < ITEMS; i += 3) cairn_dict_remove(container, items[i]);
  for (int i = 0; i < ITEMS; i++) cairn_dict_set(container, items[i], items[(i + 1) % ITEMS]);
  cairn_dict_clear(container);
}

static void change_set(void) {
  for (int i = 0; i < ITEMS; i++) cairn_set_add(container, items[i]);
  for (int i = 0; i < ITEMS; i += 3) cairn_set_remove(container, items[i]);
  for (int i = 0; i < ITEMS; i++) cairn_set_add(container, items[i]);
  cairn_set_clear(container);
}

static void change_cell(void) {
  for (int i = 0; i < ITEMS; i++) cairn_cell_set(container, items[i]);
  cairn_cell_set(container, NULL);
}

static void assert_steps(void (*operations)(void), cairn_object *changed, uint64_t minimum) {
  container = changed;
  step_through(operations, minimum);
  operations(); /* and here, where it must leave nothing */
  cairn_release(container);
}

static void lists(void **state) { assert_steps(grow_list, cairn_list_new(heap, 0), 1000); }
static void shifted_lists(void **state) {
  is_shifting = true;
  assert_steps(shift_list, cairn_list_new(heap, 0), 1000);
  is_shifting = false;
}
static void dicts(void **state) { assert_steps(change_dict, cairn_dict_new(heap), 3000); }
static void sets(void **state) { assert_steps(change_set, cairn_set_new(heap), 3000); }
static void cells(void **state) { assert_steps(change_cell, cairn_cell_new(heap, NULL), 300); }

static void drop_tree(void) { cairn_release(container); }

static void trees(void **state) {
  static const cairn_slot_spec words[] = {
      {.name = "next", .kind = CAIRN_SLOT_STRONG, .offset = offsetof(struct node, words)},
      {.name = "item",
       .kind = CAIRN_SLOT_STRONG,
       .offset = offsetof(struct node, words) + sizeof(cairn_object *)}};
  cairn_type type = cairn_type_define(
      heap,
      &(cairn_type_spec){
          .name = "node", .size_bytes = sizeof(struct node), .slots = words, .slot_count = 2});
  for (size_t i = NODES; i-- > 0;) {
    nodes[i] = (struct node *)cairn_object_new(heap, type);
    assert_non_null(nodes[i]);
    nodes[i]->words[1] = cairn_retain(items[0]);
    if (i + 1 < NODES) nodes[i]->words[0] = &nodes[i + 1]->base;
  }
  container = &nodes[0]->base;
  step_through(drop_tree, 200);
  drop_tree();
}

static int items_setup(void **state) {
  if (heap_setup(state) != 0) return -1;
  heap = *state;
  for (int i = 0; i < ITEMS; i++) items[i] = int_of(heap, 1000 + i);
  return 0;
}

static int items_teardown(void **state) {
  for (int i = 0; i < ITEMS; i++) cairn_clear(&items[i]);
  return heap_teardown(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(lists, items_setup, items_teardown),
      cmocka_unit_test_setup_teardown(shifted_lists, items_setup, items_teardown),
      cmocka_unit_test_setup_teardown(dicts, items_setup, items_teardown),
      cmocka_unit_test_setup_teardown(sets, items_setup, items_teardown),
      cmocka_unit_test_setup_teardown(cells, items_setup, items_teardown),
      cmocka_unit_test_setup_teardown(trees, items_setup, items_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
