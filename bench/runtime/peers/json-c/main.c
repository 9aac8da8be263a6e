/* json-c, for B9: the file is parsed in pieces as they are read, as its documents advise. */
#include <json-c/json.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "document.h"

const char bench_peer[] = "json-c";
const char *bench_peer_version(void) { return json_c_version(); }

typedef struct json_object document_value;

static document_value *document_load(const char *path) {
  static char piece[1 << 16];
  FILE *file = fopen(path, "rb");
  struct json_tokener *tokener = json_tokener_new();
  bench_require(file != NULL && tokener != NULL, "a document and a parser");
  document_value *document = NULL;
  size_t bytes;
  while (document == NULL && (bytes = fread(piece, 1, sizeof(piece), file)) > 0) {
    document = json_tokener_parse_ex(tokener, piece, (int)bytes);
  }
  bench_require(document != NULL, "a document of JSON");
  json_tokener_free(tokener);
  (void)fclose(file);
  return document;
}

static void document_sum(struct document_sum *sum, document_value *value) {
  switch (json_object_get_type(value)) {
    case json_type_object: {
      sum->containers++;
      json_object_object_foreach(value, key, entry) {
        sum->entries++;
        sum->text_bytes += strlen(key);
        document_sum(sum, entry);
      }
      break;
    }
    case json_type_array:
      sum->containers++;
      for (size_t i = 0; i < json_object_array_length(value); i++) {
        sum->entries++;
        document_sum(sum, json_object_array_get_idx(value, i));
      }
      break;
    case json_type_string:
      sum->text_bytes += (uint64_t)json_object_get_string_len(value);
      break;
    case json_type_int:
      sum->ints += (uint64_t)json_object_get_int64(value);
      break;
    case json_type_double:
      document_add_float(sum, json_object_get_double(value));
      break;
    case json_type_boolean:
      sum->bools += json_object_get_boolean(value) ? 2 : 1;
      break;
    case json_type_null:
      sum->nulls++;
      break;
  }
}

static void document_drop(document_value *document) { json_object_put(document); }

#include "document_run.h"

const struct bench_entry bench_table[] = {{"B9", document_run}, {NULL, NULL}};
