/* Turns.  See turn.h. */
#include "turn.h"

enum { TURN_MS = 50, SORTED_A_TURN = 1 << 11 };

void lens_turn_set(lens *self, lens_turn_fn turn, void *context) {
  self->turn = turn;
  self->turn_context = context;
  self->turn_slice = (lens_slice){0}; /* it is over: the first turn asks */
}

lens_status lens_turn(lens *self) {
  if (!lens_slice_over(&self->turn_slice)) return LENS_OK;
  self->turn_slice = lens_slice_begin(TURN_MS);
  uint32_t go_on = self->turn == NULL;
  if (self->turn != NULL) self->turn(self->turn_context, &go_on);
  if (go_on != 0) return LENS_OK;
  return lens_fail(self, LENS_CANCELLED, "cancelled");
}

lens_status lens_turn_sort(lens *self, struct lens_best *rows, uint64_t count) {
  lens_status status = LENS_OK;
  while (status == LENS_OK && count > 1) {
    count = lens_best_sort(rows, count, SORTED_A_TURN);
    status = lens_turn(self);
  }
  return status;
}
