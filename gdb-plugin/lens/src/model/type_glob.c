/* Which types a pattern means: each name is compared once, not for each object. */
#include "model/type_glob.h"

#include <fnmatch.h>

uint8_t *lens_type_glob(const struct lens_model *model, const char *glob) {
  uint8_t *matches = lens_alloc_zeroed(model->type_count + 1, 1);
  if (matches == NULL) return NULL;
  for (size_t i = 0; i < model->type_count; i++) {
    const char *name = model->types[i].shown.name;
    matches[i] = glob == NULL || (name != NULL && fnmatch(glob, name, 0) == 0);
  }
  matches[model->type_count] = glob == NULL;
  return matches;
}
