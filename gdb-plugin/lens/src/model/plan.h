/* Plans: what a pass must read of an object, by type, as short as it gets.
 *
 * Most objects have a few single untagged reference words at fixed offsets, or none: their plan is
 * a row of offsets, which a pass reads without the general iterator (lens_slots_next).  All other
 * types are iterated.
 */
#ifndef LENS_PLAN_H
#define LENS_PLAN_H

#include "model.h"

enum lens_plan_kind {
  LENS_PLAN_WORDS,  /* offsets[first ..]: `strong` owning words, then `soft` weak and borrowed ones;
                       perhaps none */
  LENS_PLAN_ITERATE /* arrays, tails, tables, tags, conservative words */
};

struct lens_plan {
  uint32_t first;
  uint16_t strong, soft;
  uint8_t kind;     /* enum lens_plan_kind */
  uint8_t has_soft; /* some slot is weak or borrowed */
  uint8_t opaque;   /* words are taken for references on suspicion */
  uint8_t targeted; /* some slot allows one type only */
};

struct lens_plans {
  struct lens_plan *rows; /* by flat type */
  uint32_t *offsets;
};

/* Plans for all types of the model.  False when out of memory. */
bool lens_plans_make(struct lens_plans *self, const struct lens_model *model);
void lens_plans_free(struct lens_plans *self);

#endif
