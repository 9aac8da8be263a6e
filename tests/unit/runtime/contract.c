/* The exported contract, read as a stranger would: by its framing and its names alone. */
#include <link.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cairn/cairn.h"
#include "cairn/contract.h"
#include "internal.h"

extern const char cairn_contract_root[];

static const struct cairn_contract_head *head(void) {
  return (const struct cairn_contract_head *)(const void *)cairn_contract_root;
}

struct table {
  const char *rows;
  uint32_t stride, count;
};

static struct table find_table(const char *name) {
  const struct cairn_contract_head *h = head();
  for (uint32_t i = 0; i < h->table_count; i++) {
    const struct cairn_contract_table *table =
        (const void *)(cairn_contract_root + h->table_offset + i * h->table_stride);
    if (strcmp(table->name, name) == 0) {
      return (struct table){cairn_contract_root + table->offset, table->stride, table->count};
    }
  }
  fail_msg("there is no table \"%s\"", name);
  abort(); /* for the analyzer, which does not know that a failure does not return */
}

static const struct cairn_contract_struct *struct_at(uint32_t index) {
  struct table table = find_table("structs");
  assert_true(index < table.count);
  return (const void *)(table.rows + index * table.stride);
}

static uint32_t struct_index(const char *name) {
  for (uint32_t i = 0; i < find_table("structs").count; i++) {
    if (strcmp(struct_at(i)->name, name) == 0) return i;
  }
  fail_msg("there is no struct \"%s\"", name);
  return 0;
}

static const struct cairn_contract_field *find_field(const char *owner, const char *name) {
  struct table table = find_table("fields");
  uint32_t index = struct_index(owner);
  for (uint32_t i = 0; i < table.count; i++) {
    const struct cairn_contract_field *field = (const void *)(table.rows + i * table.stride);
    if (field->struct_index == index && strcmp(field->name, name) == 0) return field;
  }
  fail_msg("there is no field \"%s.%s\"", owner, name);
  return NULL;
}

static uint64_t constant(const char *name) {
  struct table table = find_table("constants");
  for (uint32_t i = 0; i < table.count; i++) {
    const struct cairn_contract_constant *row = (const void *)(table.rows + i * table.stride);
    if (strcmp(row->name, name) == 0) return row->value;
  }
  fail_msg("there is no constant \"%s\"", name);
  return 0;
}

/* ---- framing --------------------------------------------------------------------------------- */

static void head_is_complete(void **state) {
  (void)state;
  const struct cairn_contract_head *h = head();
  assert_memory_equal(h->magic, CAIRN_ROOT_MAGIC, CAIRN_ROOT_MAGIC_BYTES);
  assert_int_equal((uintptr_t)h % CAIRN_ROOT_ALIGN, 0);
  assert_int_equal(h->self, (uintptr_t)h);
  assert_int_equal(h->major, CAIRN_CONTRACT_MAJOR);
}

static void tables_lie_in_the_record(void **state) {
  (void)state;
  const struct cairn_contract_head *h = head();
  assert_true(h->table_offset + h->table_count * h->table_stride <= h->record_bytes);
  const char *names[] = {"structs", "fields", "constants"};
  const uint32_t row_bytes[] = {sizeof(struct cairn_contract_struct),
                                sizeof(struct cairn_contract_field),
                                sizeof(struct cairn_contract_constant)};
  for (size_t i = 0; i < 3; i++) {
    struct table table = find_table(names[i]);
    assert_int_equal(table.stride, row_bytes[i]);
    assert_true(table.count > 0);
    assert_true(table.rows + table.count * table.stride <= cairn_contract_root + h->record_bytes);
  }
}

/* The note of this very program leads to the record. */
static int find_note(struct dl_phdr_info *info, size_t size, void *context) {
  (void)size;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
    if (segment->p_type != PT_NOTE) continue;
    const char *at = (const char *)(info->dlpi_addr + segment->p_vaddr);
    const char *end = at + segment->p_memsz;
    size_t align = segment->p_align == 8 ? 8 : 4;
    while (at + sizeof(ElfW(Nhdr)) <= end) {
      const ElfW(Nhdr) *note = (const void *)at;
      const char *name = at + sizeof *note;
      const char *desc = at + ((sizeof *note + note->n_namesz + align - 1) & ~(align - 1));
      if (note->n_namesz == sizeof CAIRN_NOTE_OWNER && strcmp(name, CAIRN_NOTE_OWNER) == 0) {
        assert_int_equal(note->n_type, CAIRN_NOTE_TYPE);
        assert_int_equal(note->n_descsz, CAIRN_NOTE_DESC_BYTES);
        int64_t distance;
        memcpy(&distance, desc, sizeof distance);
        *(const char **)context = desc + distance;
        return 1;
      }
      at = desc + ((note->n_descsz + align - 1) & ~(align - 1));
    }
  }
  return 0;
}

static void note_leads_to_the_record(void **state) {
  (void)state;
  const char *record = NULL;
  dl_iterate_phdr(find_note, &record);
  assert_ptr_equal(record, cairn_contract_root);
}

/* ---- names ----------------------------------------------------------------------------------- */

static void assert_name(const char *name) {
  assert_true(strnlen(name, CAIRN_NAME_BYTES) > 0);
  assert_true(strnlen(name, CAIRN_NAME_BYTES) < CAIRN_NAME_BYTES);
}

static void names_are_unique(void **state) {
  (void)state;
  struct table fields = find_table("fields");
  for (uint32_t i = 0; i < fields.count; i++) {
    const struct cairn_contract_field *a = (const void *)(fields.rows + i * fields.stride);
    assert_name(a->name);
    for (uint32_t j = 0; j < i; j++) {
      const struct cairn_contract_field *b = (const void *)(fields.rows + j * fields.stride);
      if (a->struct_index == b->struct_index) assert_string_not_equal(a->name, b->name);
    }
  }
  struct table constants = find_table("constants");
  for (uint32_t i = 0; i < constants.count; i++) {
    const struct cairn_contract_constant *a = (const void *)(constants.rows + i * constants.stride);
    assert_name(a->name);
    assert_non_null(strchr(a->name, '.'));
    for (uint32_t j = 0; j < i; j++) {
      const struct cairn_contract_constant *b =
          (const void *)(constants.rows + j * constants.stride);
      assert_string_not_equal(a->name, b->name);
    }
  }
}

static void fields_lie_in_their_structs(void **state) {
  (void)state;
  struct table fields = find_table("fields");
  for (uint32_t i = 0; i < fields.count; i++) {
    const struct cairn_contract_field *field = (const void *)(fields.rows + i * fields.stride);
    assert_in_range(field->kind, CAIRN_KIND_UINT, CAIRN_KIND_BYTES);
    assert_true(field->width > 0);
    assert_true(field->offset + field->width <= struct_at(field->struct_index)->size_bytes);
    if (field->kind == CAIRN_KIND_BITS) {
      assert_true(field->bit_count > 0);
      assert_true(field->bit_shift + field->bit_count <= 8u * field->width);
    }
    if (field->kind == CAIRN_KIND_ADDRESS) assert_int_equal(field->width, 8);
  }
}

static void layout_is_the_compilers(void **state) {
  (void)state;
  assert_int_equal(struct_at(struct_index("page"))->size_bytes, sizeof(struct cairn_page));
  assert_int_equal(find_field("page", "fresh")->offset, offsetof(struct cairn_page, fresh));
  assert_int_equal(find_field("heap", "name")->kind, CAIRN_KIND_TEXT);
  assert_int_equal(find_field("heap", "name")->width, 32);
  assert_int_equal(find_field("heap", "runtime_slots")->width, 8 * CAIRN_RUNTIME_SLOTS);
  assert_int_equal(find_field("type", "slots")->offset, offsetof(struct cairn_type, slots));
  assert_int_equal(find_field("object", "header")->width, 8);
  assert_int_equal(find_field("object", "type")->bit_shift, CAIRN_TYPE_SHIFT);
  assert_int_equal(find_field("object", "count")->bit_count, 32);
}

static void constants_are_what_is_stored(void **state) {
  (void)state;
  assert_int_equal(constant("state.live"), CAIRN_STATE(LIVE));
  assert_int_equal(constant("state.interned"), CAIRN_STATE(INTERNED));
  assert_int_equal(constant("page_kind.large_tail"), CAIRN_PAGE_LARGE_TAIL);
  assert_int_equal(constant("flux.none"), 0);
  assert_int_equal(constant("flux.allocate"), CAIRN_FLUX_ALLOCATE);
  assert_int_equal(constant("display.record"), CAIRN_DISPLAY_RECORD);
  assert_int_equal(constant("type_flag.opaque"), CAIRN_TYPE_FLAG_OPAQUE);
  assert_int_equal(constant("slot_kind.borrowed"), CAIRN_SLOT_BORROWED);
  assert_int_equal(constant("slot_shape.table"), CAIRN_SHAPE_TABLE);
  assert_int_equal(constant("slot_flag.foreign"), CAIRN_SLOT_FLAG_FOREIGN);
  assert_int_equal(constant("field_kind.bytes"), CAIRN_FIELD_BYTES);
  assert_int_equal(constant("runtime_slot.small_ints"), CAIRN_RUNTIME_SLOT_SMALL_INTS);
  assert_int_equal(constant("count.saturated"), CAIRN_COUNT_SATURATED);
  assert_int_equal(constant("magic.heap"), CAIRN_HEAP_MAGIC);
  assert_int_equal(constant("magic.arena"), CAIRN_ARENA_MAGIC);
}

/* ---- the list of heaps ----------------------------------------------------------------------- */

static uint64_t root_word(const char *name) {
  const struct cairn_contract_field *field = find_field("root", name);
  uint64_t word;
  memcpy(&word, cairn_contract_root + field->offset, sizeof word);
  return word;
}

/* Heaps that a reader of the list finds; checks the links on the way. */
static uint64_t listed_heaps(void) {
  uint64_t count = 0;
  const cairn_heap *previous = NULL;
  const cairn_heap *heap = (const cairn_heap *)(uintptr_t)root_word("heaps");
  for (; heap != NULL; heap = heap->next) {
    assert_int_equal(heap->magic, CAIRN_HEAP_MAGIC);
    assert_ptr_equal(heap->self, heap);
    assert_ptr_equal(heap->previous, previous);
    previous = heap;
    count++;
  }
  return count;
}

static void heaps_are_listed_while_they_live(void **state) {
  (void)state;
  assert_int_equal(listed_heaps(), 0);
  assert_string_equal(cairn_contract_root + find_field("root", "runtime")->offset, "cairn 0.1.0");
  cairn_heap *heaps[5];
  for (int i = 0; i < 5; i++) heaps[i] = cairn_heap_new(NULL);
  assert_int_equal(listed_heaps(), 5);
  assert_int_equal(root_word("heap_count"), 5);
  const int order[] = {2, 4, 0, 3, 1}; /* from the middle, both ends, the last one */
  for (uint64_t i = 0; i < 5; i++) {
    assert_true(cairn_heap_destroy(heaps[order[i]], NULL));
    assert_int_equal(listed_heaps(), 4 - i);
    assert_int_equal(root_word("heap_count"), 4 - i);
  }
}

static void *make_and_destroy(void *context) {
  for (int i = 0; i < 50; i++) {
    cairn_heap *heap = cairn_heap_new(NULL);
    if (heap == NULL || !cairn_heap_destroy(heap, NULL)) *(bool *)context = true;
  }
  return NULL;
}

static void *fill(void *context) {
  cairn_heap *heap = context;
  cairn_object *list = cairn_list_new(heap, 0);
  cairn_list_append(list, list); /* garbage that only a collection frees */
  cairn_release(list);
  cairn_object *made = cairn_str_from(heap, "made in another thread");
  cairn_heap_hand_over(heap);
  return made;
}

/* One thread makes a heap, another fills it, the first one collects and frees it all.
 */
static void a_heap_is_handed_over(void **state) {
  (void)state;
  cairn_heap *heap = cairn_heap_new(NULL);
  void *made = NULL;
  cairn_heap_hand_over(heap);
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, fill, heap), 0);
  assert_int_equal(pthread_join(thread, &made), 0);
  assert_int_equal(cairn_collect(heap), 1);
  assert_int_equal(cairn_refcount(made), 1);
  cairn_release(made);
  assert_null(cairn_heap_validate(heap));
  assert_true(cairn_heap_destroy(heap, NULL));
}

static void threads_may_make_heaps(void **state) {
  (void)state;
  pthread_t threads[4];
  bool failed[4] = {false};
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, make_and_destroy, &failed[i]), 0);
  }
  for (size_t i = 0; i < 4; i++) {
    pthread_join(threads[i], NULL);
    assert_false(failed[i]);
  }
  assert_int_equal(listed_heaps(), 0);
  assert_int_equal(root_word("heap_count"), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(head_is_complete),
      cmocka_unit_test(tables_lie_in_the_record),
      cmocka_unit_test(note_leads_to_the_record),
      cmocka_unit_test(names_are_unique),
      cmocka_unit_test(fields_lie_in_their_structs),
      cmocka_unit_test(layout_is_the_compilers),
      cmocka_unit_test(constants_are_what_is_stored),
      cmocka_unit_test(heaps_are_listed_while_they_live),
      cmocka_unit_test(threads_may_make_heaps),
      cmocka_unit_test(a_heap_is_handed_over),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
