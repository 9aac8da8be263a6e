/* heap: the program whose core becomes a golden core.
 *
 * Two small heaps with every built-in type, a native type with every kind and shape of slot and
 * every kind of field, a record, a cycle, a buffer, an interned str, and blocks that were freed. It
 * prints its own account of them (fixtures/truth.h), and ends by SIGABRT, which leaves the core. To
 * the account it adds
 *
 *     heap      ADDRESS NAME
 *     interned  ADDRESS                 one of its count is the intern table's
 *     field     ADDRESS NAME VALUE      a plain field; VALUE is JSON, of a text a part is enough
 *
 * Everything stays referenced by words of .bss, so that each count can be explained.  Nothing here
 * depends on the machine.  What a later release adds to the runtime is added here, and then is in
 * that release's core.
 */
#include <string.h>

#include "truth.h"

struct crate {
  cairn_object base;
  cairn_object *lid;
  cairn_object **items;
  uint32_t item_count;
  uint32_t tail_count;
  cairn_object *seen;  /* weak */
  cairn_object *owner; /* borrowed */
  uintptr_t tagged;    /* strong where its lowest bit is set, else a number */
  uint64_t serial;
  int32_t depth_mm;
  bool open;
  char letter;
  double weight;
  char label[16];
  const char *note;
  void *where;
  uint8_t raw[4];
  cairn_object *tail[];
};

static const cairn_slot_spec crate_slots[] = {CAIRN_STRONG(struct crate, lid),
                                              CAIRN_STRONG_ARRAY(struct crate, items, item_count),
                                              CAIRN_WEAK(struct crate, seen),
                                              CAIRN_BORROWED(struct crate, owner),
                                              {.name = "tagged",
                                               .kind = CAIRN_SLOT_STRONG,
                                               .offset = offsetof(struct crate, tagged),
                                               .tag_mask = 1,
                                               .tag_value = 1},
                                              {.name = "tail",
                                               .kind = CAIRN_SLOT_STRONG,
                                               .shape = CAIRN_SHAPE_TAIL,
                                               .count_width = sizeof(uint32_t),
                                               .offset = offsetof(struct crate, tail),
                                               .count_offset = offsetof(struct crate, tail_count)}};
static const cairn_field_spec crate_fields[] = {
    CAIRN_FIELD(struct crate, serial, UINT),       CAIRN_FIELD(struct crate, depth_mm, SINT),
    CAIRN_FIELD(struct crate, open, BOOL),         CAIRN_FIELD(struct crate, letter, CHAR),
    CAIRN_FIELD(struct crate, weight, FLOAT),      CAIRN_FIELD(struct crate, label, TEXT),
    CAIRN_FIELD(struct crate, note, TEXT_POINTER), CAIRN_FIELD(struct crate, where, ADDRESS),
    CAIRN_FIELD(struct crate, raw, BYTES)};
static const cairn_type_spec crate_spec = {
    .name = "crate",
    .size_bytes = sizeof(struct crate),
    .tail_item_bytes = sizeof(cairn_object *),
    .slots = crate_slots,
    .slot_count = sizeof crate_slots / sizeof crate_slots[0],
    .fields = crate_fields,
    .field_count = sizeof crate_fields / sizeof crate_fields[0]};

enum { TAIL_COUNT = 3, KEPT_MAX = 16 };

static cairn_object *volatile kept[KEPT_MAX]; /* each owns; only a debugger reads them */
static size_t kept_count;
static char note[] = "a note"; /* written data: a core has it */

static void must(bool done) {
  if (!done) abort();
}

/* The maker's reference goes to a word of `kept`. */
static cairn_object *keep(cairn_object *object) {
  must(kept_count < KEPT_MAX);
  kept[kept_count++] = object;
  truth_root("word", "kept", object);
  return object;
}

/* The maker's reference goes to a slot of `holder`. */
static cairn_object *hand_over(const cairn_object *holder, const char *slot, cairn_object *value) {
  truth_edge(holder, slot, value, "strong");
  truth_find_(value)->count--;
  return value;
}

static cairn_object *made_int(cairn_heap *heap, int64_t value) {
  return truth_made(cairn_int_new(heap, value), "int");
}

static cairn_object *made_str(cairn_heap *heap, const char *text) {
  return truth_made(cairn_str_from(heap, text), "str");
}

/* holder[...] takes `value` over from its maker. */
static void append(cairn_object *list, const char *slot, cairn_object *value) {
  must(cairn_list_append(list, value));
  truth_edge(list, slot, value, "strong");
  truth_release(value);
}

static cairn_heap *made_heap(const char *name) {
  cairn_heap *heap = cairn_heap_new(&(cairn_heap_options){.name = name});
  must(heap != NULL);
  truth_begin(heap);
  truth_line("heap\t0x%" PRIxPTR "\t%s", (uintptr_t)heap, name);
  return heap;
}

/* A list of one object of each built-in type but weakref, and a str that is shared. */
static cairn_object *build_list(cairn_heap *heap) {
  cairn_object *list = truth_made(cairn_list_new(heap, 0), "list");
  must(cairn_list_append(list, cairn_none(heap)) &&
       cairn_list_append(list, cairn_bool(heap, true)));
  truth_edge(list, "[0]", cairn_none(heap), "strong");
  truth_edge(list, "[1]", cairn_bool(heap, true), "strong");
  append(list, "[2]", made_int(heap, 1000));
  append(list, "[3]", truth_made(cairn_float_new(heap, 2.5), "float"));
  cairn_object *shared = made_str(heap, "shared");
  append(list, "[4]", truth_retain(shared));
  append(list, "[5]", truth_made(cairn_bytes_new(heap, "\0\1\2", 3), "bytes"));
  cairn_object *tuple = truth_made(cairn_tuple_new(heap, 1, &shared), "tuple");
  truth_edge(tuple, "[0]", shared, "strong");
  append(list, "[6]", tuple);
  cairn_object *dict = truth_made(cairn_dict_new(heap), "dict");
  must(cairn_dict_set(dict, shared, list)); /* a cycle: the list holds the dict */
  truth_edge(dict, "key \"shared\"", shared, "strong");
  truth_edge(dict, "[\"shared\"]", list, "strong");
  append(list, "[7]", dict);
  cairn_object *set = truth_made(cairn_set_new(heap), "set");
  must(cairn_set_add(set, shared));
  truth_edge(set, "key \"shared\"", shared, "strong");
  append(list, "[8]", set);
  cairn_object *cell = truth_made(cairn_cell_new(heap, shared), "cell");
  truth_edge(cell, "value", shared, "strong");
  append(list, "[9]", cell);
  truth_release(shared);
  return list;
}

static void describe_crate(struct crate *crate, uint32_t serial) {
  crate->serial = serial;
  crate->depth_mm = -40;
  crate->open = true;
  crate->letter = 'c';
  crate->weight = 0.25;
  (void)snprintf(crate->label, sizeof crate->label, "crate %u", serial);
  crate->note = note;
  crate->where = crate;
  memcpy(crate->raw, "\xca\x12\x00\xff", sizeof crate->raw);
  const struct {
    const char *name, *value;
  } shown[] = {{"depth_mm", "-40"}, {"open", "true"},       {"letter", "\"c\""},
               {"weight", "0.25"},  {"label", "\"crate\""}, {"note", "\"a note\""}};
  const uintptr_t at = (uintptr_t)crate;
  truth_line("field\t0x%" PRIxPTR "\tserial\t%u", at, serial);
  for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
    truth_line("field\t0x%" PRIxPTR "\t%s\t%s", at, shown[i].name, shown[i].value);
  }
}

/* Two crates that hold each other; the first one has something in every slot. */
static void build_crates(cairn_heap *heap, cairn_object *list) {
  cairn_type type = cairn_type_define(heap, &crate_spec);
  struct crate *full =
      (struct crate *)keep(truth_made(cairn_object_new_tail(heap, type, TAIL_COUNT), "crate"));
  cairn_object *holder = &full->base;
  struct crate *plain = (struct crate *)truth_made(cairn_object_new_tail(heap, type, 0), "crate");
  describe_crate(full, 1);
  describe_crate(plain, 2);
  full->lid = hand_over(holder, "lid", &plain->base);
  plain->lid = cairn_retain(holder);
  truth_edge(&plain->base, "lid", holder, "strong");
  plain->tagged = 1234; /* a number */
  full->items = cairn_buffer_new(heap, 2 * sizeof *full->items);
  must(full->items != NULL);
  full->items[0] = hand_over(holder, "items[0]", made_str(heap, "item"));
  full->items[1] = cairn_retain(list);
  truth_edge(holder, "items[1]", list, "strong");
  full->item_count = 2;
  must(cairn_weak_set(holder, &full->seen, list));
  truth_edge(holder, "seen", list, "weak");
  full->owner = &plain->base;
  truth_edge(holder, "owner", &plain->base, "borrowed");
  full->tagged = (uintptr_t)hand_over(holder, "tagged", made_str(heap, "tagged")) | 1;
  full->tail[0] = hand_over(holder, "tail[0]", made_int(heap, 3000));
  full->tail[2] = hand_over(holder, "tail[2]", made_int(heap, 3002)); /* tail[1] is empty */
  full->tail_count = TAIL_COUNT;
}

static void build_record(cairn_heap *heap, cairn_object *body) {
  const char *const names[] = {"title", "body", "nothing"};
  cairn_type type = cairn_record_define(heap, "entry", names, 3);
  cairn_object *record = keep(truth_made(cairn_record_new(heap, type), "entry"));
  cairn_object *title = made_str(heap, "a title");
  must(cairn_record_set(record, 0, title) && cairn_record_set(record, 1, body));
  truth_edge(record, "title", title, "strong");
  truth_edge(record, "body", body, "strong");
  truth_release(title);
}

static void build_weakrefs(cairn_heap *heap, cairn_object *target) {
  cairn_object *weakref = keep(truth_made(cairn_weakref_new(heap, target), "weakref"));
  truth_edge(weakref, "target", target, "weak");
  cairn_object *gone = cairn_str_from(heap, "gone");
  (void)keep(truth_made(cairn_weakref_new(heap, gone), "weakref"));
  cairn_release(gone);
}

static void build_interned(cairn_heap *heap) {
  cairn_object *str = keep(truth_made(cairn_str_intern(heap, "interned", 8), "str"));
  truth_find_(str)->count++;
  truth_line("interned\t0x%" PRIxPTR, (uintptr_t)str);
}

/* Blocks that lived and died: no answer may show them. */
static void build_dead(cairn_heap *heap) {
  cairn_object *dead[20];
  for (int i = 0; i < 20; i++) dead[i] = cairn_str_from(heap, "this one died");
  for (int i = 0; i < 20; i++) cairn_release(dead[i]);
}

int main(void) {
  cairn_heap *first = made_heap("first");
  cairn_object *list = keep(build_list(first));
  build_dead(first);
  build_crates(first, list);
  build_record(first, list);
  build_weakrefs(first, list);
  build_interned(first);
  build_dead(first);
  cairn_heap *second = made_heap("second");
  build_record(second, keep(made_int(second, 5000))); /* its types are its own */
  truth_write();
  abort();
}
