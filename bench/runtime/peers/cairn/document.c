/* B9: the loader of demos/jsonheap, as it stands there: the demo is compiled into this program. */
#define main jsonheap_main
#include "../../../../demos/jsonheap.c" /* NOLINT(bugprone-suspicious-include): whole, on purpose */
#undef main

#include "document.h"
#include "peer.h"

/* What a load needs and makes: the reader keeps its levels, and interned keys stay. */
static struct reader loader;

typedef cairn_object document_value;

static document_value *document_load(const char *path) {
  document_value *documents = cairn_list_new(loader.heap, 0);
  read_file(&loader, path, documents);
  return documents;
}

static void add(struct document_sum *sum, const cairn_object *value);

static void add_dict(struct document_sum *sum, const cairn_object *dict) {
  size_t position = 0;
  cairn_object *key, *value;
  sum->containers++;
  while (cairn_dict_next(dict, &position, &key, &value)) {
    sum->entries++;
    sum->text_bytes += cairn_str_bytes(key);
    add(sum, value);
  }
}

static void add_list(struct document_sum *sum, const cairn_object *list) {
  sum->containers++;
  for (size_t i = 0; i < cairn_list_count(list); i++) {
    sum->entries++;
    add(sum, cairn_list_get(list, i));
  }
}

static void add(struct document_sum *sum, const cairn_object *value) {
  int64_t number;
  double fraction;
  bool truth;
  switch (cairn_type_index(value)) {
    case CAIRN_TYPE_DICT:
      add_dict(sum, value);
      break;
    case CAIRN_TYPE_LIST:
      add_list(sum, value);
      break;
    case CAIRN_TYPE_STR:
      sum->text_bytes += cairn_str_bytes(value);
      break;
    case CAIRN_TYPE_INT:
      if (cairn_int_get(value, &number)) sum->ints += (uint64_t)number;
      break;
    case CAIRN_TYPE_FLOAT:
      if (cairn_float_get(value, &fraction)) document_add_float(sum, fraction);
      break;
    case CAIRN_TYPE_BOOL:
      if (cairn_bool_get(value, &truth)) sum->bools += truth ? 2 : 1;
      break;
    default:
      sum->nulls++;
  }
}

static void document_sum(struct document_sum *sum, document_value *documents) {
  add(sum, cairn_list_get(documents, 0));
}

static void document_drop(document_value *documents) { cairn_release(documents); }

#include "document_run.h"

void document(void) {
  loader.heap = peer_heap();
  loader.replaced = cairn_list_new(loader.heap, 0);
  document_run();
  cairn_release(loader.replaced);
  free(loader.levels);
  bench_require(cairn_heap_destroy(loader.heap, NULL), "nothing is left");
}
