/* Counts are true at every instruction: containers are changed in a child process that is stepped
 * one instruction at a time, and at each the parent reads the child's memory as a debugger would.
 *
 * At every instruction, for each item that the child keeps one reference to:
 *  - slots that can be seen + holdings + 1 <= count;
 *  - count <= slots that can be seen + holdings + 2: one reference is under way at most, unless
 * heap.flux names the container, whose elements are being moved; and while one is under way, a
 * register or a word of the stack holds the item: a debugger is never left without a trace of it;
 *  - a container points to a live buffer, and its slots hold items or nothing.
 *
 * A tree that dies is no container any more: what its nodes still own follows from their headers.
 */
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
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
static const void *stack_end;
static bool is_tree; /* of which the first item is held by the parent too */

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
  uint32_t slots[ITEMS]; /* and holdings */
  bool in_flux;
};

/* True for an address in a register of the child, or in a word of its stack. */
static bool has_trace(pid_t child, const cairn_object *item) {
  struct user_regs_struct registers;
  assert_int_equal(ptrace(PTRACE_GETREGS, child, NULL, &registers), 0);
  const unsigned long long known[] = {registers.rax, registers.rbx, registers.rcx, registers.rdx,
                                      registers.rsi, registers.rdi, registers.rbp, registers.r8,
                                      registers.r9,  registers.r10, registers.r11, registers.r12,
                                      registers.r13, registers.r14, registers.r15};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (known[i] == (uintptr_t)item) return true;
  }
  enum { RED_ZONE = 128, WORDS = 1024 };
  uint64_t words[WORDS], start = registers.rsp - RED_ZONE;
  uint64_t count = ((uintptr_t)stack_end - start) / sizeof *words;
  if (count > WORDS) count = WORDS;
  peek(child, words, (const void *)(uintptr_t)start, count * sizeof *words);
  for (uint64_t i = 0; i < count; i++) {
    if (words[i] == (uintptr_t)item) return true;
  }
  return false;
}

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

/* The tuple that is being made: its block is known, being the one that was freed last. */
static void see_tuple(pid_t child, struct sight *sight) {
  struct cairn_tuple tuple;
  peek(child, &tuple, container, sizeof tuple);
  uint64_t header = tuple.base.header, owned = 0;
  if ((header & (CAIRN_STATE(LIVE) | CAIRN_STATE(DYING))) == 0) return;
  if ((header & CAIRN_STATE(DYING)) != 0) owned = header & CAIRN_COUNT_MASK;
  assert_in_range(tuple.count, 0, ITEMS);
  cairn_object *held[ITEMS];
  peek(child, held, (const char *)container + sizeof tuple, sizeof held);
  for (uint64_t i = owned; i < tuple.count; i++) see_slot(sight, held[i]);
}

/* What functions hold while they run. */
static void see_holdings(pid_t child, const struct cairn_heap *now, struct sight *sight) {
  struct cairn_holding holding;
  for (const struct cairn_holding *at = now->holdings; at != NULL; at = holding.next) {
    peek(child, &holding, at, sizeof holding);
    assert_in_range(holding.count, holding.first, ITEMS);
    for (uint64_t i = holding.first; i < holding.count; i++) {
      cairn_object *item;
      peek(child, &item, &holding.words[i], sizeof item);
      see_slot(sight, item);
    }
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
  see_holdings(child, &now, sight);
  switch (container_type) {
    case CAIRN_TYPE_TUPLE:
      see_tuple(child, sight);
      break;
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

static void judge(pid_t child, const struct sight *sight, uint64_t step) {
  for (int i = 0; i < ITEMS; i++) {
    uint64_t known = sight->slots[i] + 1;
    bool shifted = is_shifting && sight->in_flux;
    bool explained = shifted || sight->count[i] <= known ||
                     (sight->count[i] == known + 1 && (is_tree || has_trace(child, items[i])));
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
    judge(child, &sight, steps);
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

/* Made in a block at hand, and again where all blocks go the slow way. */
static void make_tuple(void) { cairn_release(cairn_tuple_new(heap, ITEMS, items)); }

static void fail_to_make_tuple(void) {
  cairn_heap_limit_set(heap, 1);
  if (cairn_tuple_new(heap, ITEMS, items) != NULL) _exit(3);
  cairn_heap_limit_set(heap, 0);
}

static void assert_steps(void (*operations)(void), cairn_object *changed, uint64_t minimum) {
  container = changed;
  container_type = cairn_type_index(container);
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

static void tuples(void **state) {
  container = cairn_tuple_new(heap, ITEMS, items);
  container_type = CAIRN_TYPE_TUPLE;
  cairn_release(container); /* the next one takes its block */
  step_through(make_tuple, 300);
  make_tuple();
}

static void tuples_refused(void **state) {
  container = cairn_tuple_new(heap, ITEMS, items);
  container_type = CAIRN_TYPE_TUPLE;
  cairn_release(container);
  step_through(fail_to_make_tuple, 300);
}

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
  container_type = type;
  is_tree = true;
  step_through(drop_tree, 200);
  is_tree = false;
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
  const uint64_t here = 0;
  stack_end = &here;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(lists, items_setup, items_teardown),
      cmocka_unit_test_setup_teardown(shifted_lists, items_setup, items_teardown),
      cmocka_unit_test_setup_teardown(dicts, items_setup, items_teardown),
      cmocka_unit_test_setup_teardown(sets, items_setup, items_teardown),
      cmocka_unit_test_setup_teardown(cells, items_setup, items_teardown),
      cmocka_unit_test_setup_teardown(tuples, items_setup, items_teardown),
      cmocka_unit_test_setup_teardown(tuples_refused, items_setup, items_teardown),
      cmocka_unit_test_setup_teardown(trees, items_setup, items_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
