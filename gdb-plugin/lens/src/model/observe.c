/* Observing: the two words of a heap that send each object past the probes from now on.
 *
 * docs/CONTRACT.md states them.  The lens only says what is to be stored; it writes nothing.
 */
#include "model/load.h"

enum { PLAN_BYTES = 8, TABLE_ALIGN = 8 };

lens_status lens_observe_stores(lens *self, uint64_t heap, lens_store rows[LENS_OBSERVE_STORES],
                                uint64_t *written) {
  *written = 0;
  if (heap >= self->model.heap_count) return LENS_BAD_ARGUMENT;
  const struct lens_heap_model *model = &self->model.heaps[heap];
  const struct lens_contract *contract = model->contract;
  const struct lens_layout_heap *layout = &contract->heap;
  if (contract->heap_slow_observed == 0 || layout->plans.width == 0 ||
      layout->plans_observed.width == 0 || layout->slow.width == 0)
    return LENS_UNSUPPORTED;
  uint8_t bytes[LENS_EXTENT_MAX];
  lens_status status = lens_fetch(self, model->shown.address, layout->extent, bytes);
  if (status != LENS_OK) return status;
  uint64_t plans = lens_load_place(bytes, layout->plans);
  uint64_t observed = lens_load_place(bytes, layout->plans_observed);
  uint64_t slow = lens_load_place(bytes, layout->slow);
  if (plans == 0 || observed == 0) return LENS_OK; /* the heap is still being made */
  uint8_t first[PLAN_BYTES];
  if (observed % TABLE_ALIGN != 0 || plans % TABLE_ALIGN != 0) return LENS_CORRUPT;
  status = lens_fetch(self, observed, sizeof first, first);
  if (status != LENS_OK) return status;
  if ((slow & contract->heap_slow_observed) == 0) {
    rows[(*written)++] = (lens_store){.address = model->shown.address + layout->slow.offset,
                                      .value = slow | contract->heap_slow_observed,
                                      .width = layout->slow.width};
  }
  if (plans != observed) {
    rows[(*written)++] = (lens_store){.address = model->shown.address + layout->plans.offset,
                                      .value = observed,
                                      .width = layout->plans.width};
  }
  return LENS_OK;
}
