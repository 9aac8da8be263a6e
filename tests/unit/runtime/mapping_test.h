/* What the tests of dict and set share: an array of key and value pairs as the model, in order of
 * insertion, searched from its start. */
#ifndef MAPPING_TEST_H
#define MAPPING_TEST_H

#include "builtin_test.h"

enum { MODEL_MAX = 2000 };

struct model {
  int64_t keys[MODEL_MAX], values[MODEL_MAX];
  size_t count;
};

/* The place of the key; the count when it is not there. */
static inline size_t model_find(const struct model *model, int64_t key) {
  size_t i = 0;
  while (i < model->count && model->keys[i] != key) i++;
  return i;
}

static inline void model_set(struct model *model, int64_t key, int64_t value) {
  size_t at = model_find(model, key);
  if (at == model->count) model->count++;
  model->keys[at] = key;
  model->values[at] = value;
}

/* False when it was not there. */
static inline bool model_remove(struct model *model, int64_t key) {
  size_t at = model_find(model, key);
  if (at == model->count) return false;
  size_t behind = --model->count - at;
  memmove(model->keys + at, model->keys + at + 1, behind * sizeof(int64_t));
  memmove(model->values + at, model->values + at + 1, behind * sizeof(int64_t));
  return true;
}

#endif
