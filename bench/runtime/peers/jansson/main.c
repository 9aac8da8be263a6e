/* Jansson, for B9: the file is read whole and parsed from memory, its fastest way. */
#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "document.h"

const char bench_peer[] = "jansson";
const char *bench_peer_version(void) { return jansson_version_str(); }

typedef json_t document_value;

static document_value *document_load(const char *path) {
  size_t bytes;
  char *text = document_read(path, &bytes);
  document_value *document = json_loadb(text, bytes, 0, NULL);
  bench_require(document != NULL, "a document of JSON");
  free(text);
  return document;
}

static void document_sum(struct document_sum *sum, document_value *value) {
  const char *key;
  size_t index;
  json_t *entry;
  switch (json_typeof(value)) {
    case JSON_OBJECT:
      sum->containers++;
      json_object_foreach(value, key, entry) {
        sum->entries++;
        sum->text_bytes += strlen(key);
        document_sum(sum, entry);
      }
      break;
    case JSON_ARRAY:
      sum->containers++;
      json_array_foreach(value, index, entry) {
        sum->entries++;
        document_sum(sum, entry);
      }
      break;
    case JSON_STRING:
      sum->text_bytes += json_string_length(value);
      break;
    case JSON_INTEGER:
      sum->ints += (uint64_t)json_integer_value(value);
      break;
    case JSON_REAL:
      document_add_float(sum, json_real_value(value));
      break;
    case JSON_TRUE:
      sum->bools += 2;
      break;
    case JSON_FALSE:
      sum->bools += 1;
      break;
    case JSON_NULL:
      sum->nulls++;
      break;
  }
}

static void document_drop(document_value *document) { json_decref(document); }

#include "document_run.h"

const struct bench_entry bench_table[] = {{"B9", document_run}, {NULL, NULL}};
