/* Plans.  See plan.h. */
#include "model/plan.h"

static bool is_word(const struct lens_slot *slot) {
  return slot->shape == LENS_SHAPE_SINGLE && slot->tag_mask == 0 && slot->tag_value == 0;
}

static struct lens_plan plan_of(const struct lens_type_model *type) {
  struct lens_plan plan = {.kind = LENS_PLAN_WORDS, .opaque = type->conservative};
  if (type->conservative) plan.kind = LENS_PLAN_ITERATE;
  for (uint32_t i = 0; i < type->shown.slot_count; i++) {
    const struct lens_slot *slot = &type->slots[i];
    if (slot->kind != LENS_REF_STRONG) plan.has_soft = 1;
    if (slot->target != LENS_NONE) plan.targeted = 1;
    if (!is_word(slot)) plan.kind = LENS_PLAN_ITERATE;
    if (slot->kind == LENS_REF_STRONG) {
      plan.strong++;
    } else {
      plan.soft++;
    }
  }
  if (plan.kind == LENS_PLAN_ITERATE) plan.strong = plan.soft = 0;
  return plan;
}

static uint32_t add_offsets(const struct lens_type_model *type, bool strong, uint32_t *offsets) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < type->shown.slot_count; i++) {
    if ((type->slots[i].kind == LENS_REF_STRONG) == strong)
      offsets[count++] = type->slots[i].offset;
  }
  return count;
}

bool lens_plans_make(struct lens_plans *self, const struct lens_model *model) {
  lens_plans_free(self);
  self->rows = lens_alloc_zeroed(model->type_count, sizeof *self->rows);
  if (self->rows == NULL) return false;
  size_t total = 0;
  for (size_t i = 0; i < model->type_count; i++) {
    self->rows[i] = plan_of(&model->types[i]);
    total += self->rows[i].strong + (size_t)self->rows[i].soft;
  }
  self->offsets = lens_alloc(total * sizeof *self->offsets);
  if (self->offsets == NULL) {
    lens_plans_free(self);
    return false;
  }
  uint32_t at = 0;
  for (size_t i = 0; i < model->type_count; i++) {
    self->rows[i].first = at;
    if (self->rows[i].kind != LENS_PLAN_WORDS) continue;
    at += add_offsets(&model->types[i], true, self->offsets + at);
    at += add_offsets(&model->types[i], false, self->offsets + at);
  }
  return true;
}

void lens_plans_free(struct lens_plans *self) {
  lens_dealloc(self->rows);
  lens_dealloc(self->offsets);
  *self = (struct lens_plans){0};
}
