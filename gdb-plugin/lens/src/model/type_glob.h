/* Which types a pattern means. */
#ifndef LENS_TYPE_GLOB_H
#define LENS_TYPE_GLOB_H

#include "model.h"

/* A byte a flat type, and one behind them for objects without a type: 1 where the type's name
 * matches (NULL: all do).  NULL when out of memory; the caller frees it. */
uint8_t *lens_type_glob(const struct lens_model *model, const char *glob);

/* The answer for a row's type. */
static inline bool lens_type_glob_has(const uint8_t *matches, const struct lens_model *model,
                                      uint32_t type) {
  return matches[type == LENS_NONE ? model->type_count : type] != 0;
}

#endif
