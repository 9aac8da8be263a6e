/* Referrers: the slots that hold one object.
 *
 * Without the index every object is looked at: a sweep over the heap that compares words and
 * resolves nothing, so it needs no snapshot either.  With the index the holders of strong and
 * opaque slots are known, and only objects of types with weak or borrowed slots are looked at.
 * Either way the holders are kept with a count, and rows are made for the part that is asked for.
 */
#include "snapshot/referrers.h"

#include <stdlib.h>
#include <string.h>

#include "analysis.h"
#include "model/fast_header.h"
#include "model/object.h"

void lens_referrers_free(struct lens_referrers_state *self) {
  lens_sweep_reset(&self->sweep);
  lens_plans_free(&self->plans);
  lens_dealloc(self->holders);
  lens_dealloc(self->soft_pages);
  lens_run_copy_free(&self->copy);
  *self = (struct lens_referrers_state){0};
}

static lens_status add_holder(lens *self, uint64_t address, uint64_t strong, uint64_t opaque,
                              uint64_t soft) {
  struct lens_referrers_state *state = &self->analysis->referrers;
  if (strong + opaque + soft == 0) return LENS_OK;
  struct lens_holder *holders =
      lens_grow(state->holders, &state->holder_capacity, state->holder_count + 1, sizeof *holders);
  if (holders == NULL) return lens_out_of_memory(self);
  state->holders = holders;
  holders[state->holder_count++] = (struct lens_holder){address, strong + opaque + soft};
  state->strong += strong;
  state->opaque += opaque;
  state->total += strong + opaque + soft;
  return LENS_OK;
}

/* ---- one object ---- */

/* The references to the target in one object of any type, counted; `bytes` stay. */
static lens_status count_iterated(lens *self, const struct lens_type_model *type, uint64_t address,
                                  uint64_t block_bytes, const uint8_t *bytes, uint64_t byte_count) {
  struct lens_slots slots;
  struct lens_place_ref ref;
  uint64_t strong = 0, opaque = 0, soft = 0, target = self->analysis->referrers.target;
  lens_slots_begin(&slots, self, type, address, block_bytes, bytes, byte_count);
  while (lens_slots_next(&slots, &ref)) {
    if (ref.target != target) continue;
    strong += ref.kind == LENS_REF_STRONG;
    opaque += ref.kind == LENS_REF_OPAQUE;
    soft += ref.kind != LENS_REF_STRONG && ref.kind != LENS_REF_OPAQUE;
  }
  return slots.status != LENS_OK ? slots.status : add_holder(self, address, strong, opaque, soft);
}

static lens_status count_words(lens *self, const struct lens_plan *plan, uint64_t address,
                               const uint8_t *bytes) {
  const struct lens_referrers_state *state = &self->analysis->referrers;
  const uint32_t *offsets = state->plans.offsets + plan->first;
  uint64_t strong = 0, soft = 0;
  for (uint32_t i = 0; i < plan->strong + (uint32_t)plan->soft; i++) {
    uint64_t word;
    memcpy(&word, bytes + offsets[i], sizeof word);
    if (word != state->target) continue;
    if (i < plan->strong) {
      strong++;
    } else {
      soft++;
    }
  }
  return strong + soft == 0 ? LENS_OK : add_holder(self, address, strong, 0, soft);
}

/* ---- without the index ---- */

/* Whether the block is a live or dying object, of the flat type *type (LENS_NONE: unreadable).
 * *plain: it is alive and of a known type, so its plan holds. */
static bool is_holder(const lens *self, const struct lens_run *run,
                      const struct lens_fast_header *fast, uint64_t header, uint32_t *type,
                      bool *plain) {
  struct lens_head head;
  uint64_t index = (header >> fast->type_shift) & fast->type_mask;
  *plain = (header & fast->buffer_mask) == fast->live && index < fast->type_count &&
           self->model.types[fast->first_type + index].known;
  if (*plain) {
    *type = fast->first_type + (uint32_t)index;
    return true;
  }
  lens_head_decode(self, run->heap, header, &head);
  *type = head.type;
  return head.place == LENS_PLACE_OBJECT || head.place == LENS_PLACE_DYING;
}

static lens_status scan_run(lens *self, void *context, const struct lens_run *run) {
  struct lens_referrers_state *state = &self->analysis->referrers;
  struct lens_fast_header fast = lens_fast_header_of(&self->model.heaps[run->heap]);
  const uint8_t *bytes = run->bytes;
  uint64_t shown = run->byte_count < run->stride ? run->byte_count : run->stride;
  for (uint32_t i = 0; i < run->block_count; i++) {
    const uint8_t *object = bytes + i * run->stride;
    uint64_t header, address = run->address + i * run->stride;
    memcpy(&header, object, sizeof header);
    if (header == 0 || (header & fast.buffer_mask) == fast.buffer) continue;
    bool plain;
    uint32_t index = LENS_NONE;
    if (!is_holder(self, run, &fast, header, &index, &plain)) continue;
    const struct lens_type_model *type = index == LENS_NONE ? NULL : &self->model.types[index];
    const struct lens_plan *plan = index == LENS_NONE ? NULL : &state->plans.rows[index];
    if (state->soft_only && (plan == NULL || !plan->has_soft)) continue;
    lens_status status = LENS_OK;
    if (plain && plan != NULL && plan->kind == LENS_PLAN_WORDS && type->shown.size_bytes <= shown) {
      status = count_words(self, plan, address, object);
    } else {
      if (bytes == run->bytes) {
        bytes = lens_run_keep(&state->copy, run);
        if (bytes == NULL) return lens_out_of_memory(self);
        object = bytes + i * run->stride;
      }
      status = count_iterated(self, type, address, run->stride, object, shown);
    }
    if (status != LENS_OK) return status;
  }
  return LENS_OK;
}

/* ---- with the index ---- */

static lens_status count_single(lens *self, uint32_t object) {
  struct lens_held held;
  lens_status status =
      lens_object_hold(self, lens_row_addresses(&self->analysis->snapshot)[object], &held);
  if (status == LENS_NOT_FOUND || status == LENS_UNREADABLE) return LENS_OK;
  if (status != LENS_OK) return status;
  return count_iterated(self, held.type, held.shown.address, held.block_bytes, held.bytes,
                        held.byte_count);
}

static bool may_hold_softly(const lens *self, uint32_t object) {
  uint32_t type = lens_row_types(&self->analysis->snapshot)[object];
  return type != LENS_NONE && self->analysis->referrers.plans.rows[type].has_soft;
}

/* The holders of a row that the index knows, but those that are looked at anyway. */
static lens_status add_indexed(lens *self, uint32_t target) {
  const struct lens_index *index = &self->analysis->index;
  const uint32_t *sources = lens_in_sources(index);
  uint64_t last = LENS_NONE;
  for (uint64_t i = lens_in_starts(index)[target]; i < lens_in_starts(index)[target + 1]; i++) {
    if (sources[i] == last) continue;
    last = sources[i];
    lens_status status =
        may_hold_softly(self, sources[i]) ? LENS_OK : count_single(self, sources[i]);
    if (status != LENS_OK) return status;
  }
  return LENS_OK;
}

/* ---- finding ---- */

/* Finds the pages with objects that may hold softly; *any tells whether there is one. */
static bool mark_soft_pages(lens *self, bool *any) {
  struct lens_referrers_state *state = &self->analysis->referrers;
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  const struct lens_page_row *pages = lens_directory_page(&snapshot->directory, 0);
  state->soft_pages = lens_alloc_zeroed(snapshot->directory.page_count / 64 + 1, sizeof(uint64_t));
  if (state->soft_pages == NULL) return false;
  *any = false;
  for (uint32_t i = 0; i < snapshot->object_count; i++) {
    if (!may_hold_softly(self, i)) continue;
    const struct lens_page_row *row =
        lens_directory_row(&snapshot->directory, lens_row_addresses(snapshot)[i]);
    state->soft_pages[(row - pages) / 64] |= 1ull << ((row - pages) % 64);
    *any = true;
  }
  state->sweep.wanted = state->soft_pages;
  return true;
}

static int by_address(const void *a, const void *b) {
  uint64_t left = ((const struct lens_holder *)a)->address,
           right = ((const struct lens_holder *)b)->address;
  return left < right ? -1 : left > right;
}

static lens_status begin(lens *self, uint64_t target) {
  struct lens_referrers_state *state = &self->analysis->referrers;
  lens_referrers_free(state);
  state->target = target;
  if (!lens_plans_make(&state->plans, &self->model)) return lens_out_of_memory(self);
  state->phase = LENS_REFERRERS_SWEEP;
  if (!self->analysis->index.complete) return LENS_OK;
  uint32_t row = lens_directory_exact(&self->analysis->snapshot.directory, target);
  if (row == LENS_NONE) return LENS_OK; /* a freed block, say: the index does not know it */
  state->soft_only = true;
  bool any;
  if (!mark_soft_pages(self, &any)) return lens_out_of_memory(self);
  if (!any) state->phase = LENS_REFERRERS_SORT;
  return add_indexed(self, row);
}

lens_status lens_referrers_find(lens *self, uint64_t target, const lens_slice *slice) {
  struct lens_referrers_state *state = &self->analysis->referrers;
  lens_status status = LENS_OK;
  if (state->phase == LENS_REFERRERS_IDLE || state->target != target) status = begin(self, target);
  if (status == LENS_OK && state->phase == LENS_REFERRERS_SWEEP) {
    status = lens_sweep_step(self, &state->sweep, slice, scan_run, NULL);
  }
  if (status == LENS_AGAIN) return status;
  if (status != LENS_OK) {
    lens_referrers_free(state);
    return status;
  }
  if (state->phase != LENS_REFERRERS_DONE && state->holder_count > 1) {
    qsort(state->holders, state->holder_count, sizeof *state->holders, by_address);
  }
  state->phase = LENS_REFERRERS_DONE;
  return LENS_OK;
}

/* ---- rows ---- */

/* The rows of one holder from its `skip`-th on, `*at` counting those that were written. */
static lens_status emit_holder(lens *self, uint64_t holder, uint64_t skip, uint64_t capacity,
                               lens_referrer *rows, uint64_t *at, uint32_t target_place) {
  struct lens_held held;
  lens_status status = lens_object_hold(self, holder, &held);
  if (status != LENS_OK) return status;
  struct lens_slots slots;
  struct lens_place_ref ref;
  lens_held_slots(&held, self, &slots);
  while (*at < capacity && lens_slots_next(&slots, &ref)) {
    if (ref.target != self->analysis->referrers.target) continue;
    if (skip > 0) {
      skip--;
      continue;
    }
    lens_referrer row = {.holder = holder,
                         .holder_dying = (held.shown.state & LENS_STATE_DYING) != 0};
    row.ref = lens_ref_shown(&ref, target_place);
    rows[(*at)++] = row;
  }
  return slots.status;
}

lens_status lens_referrers(lens *self, uint64_t address, uint32_t slice_ms, uint64_t first,
                           uint64_t capacity, lens_referrer *rows, uint64_t *written,
                           uint64_t *total) {
  lens_location target;
  lens_status status = lens_locate(self, address, &target);
  if (status != LENS_OK) return status;
  if (target.place == LENS_PLACE_NOTHING)
    return lens_fail(self, LENS_NOT_FOUND, "no heap holds 0x%llx", (unsigned long long)address);
  if (lens_analysis_of(self) == NULL) return lens_out_of_memory(self);
  bool in_block = target.place >= LENS_PLACE_OBJECT && target.place <= LENS_PLACE_FRESH;
  lens_slice slice = lens_slice_begin(slice_ms);
  status = lens_referrers_find(self, in_block ? target.base : address, &slice);
  if (status != LENS_OK) return status;

  const struct lens_referrers_state *state = &self->analysis->referrers;
  uint64_t count = 0, before = 0;
  for (size_t i = 0; i < state->holder_count && count < capacity; i++) {
    const struct lens_holder *holder = &state->holders[i];
    uint64_t skip = first > before ? first - before : 0;
    before += holder->slots;
    if (skip >= holder->slots) continue;
    status = emit_holder(self, holder->address, skip, capacity, rows, &count, target.place);
    if (status != LENS_OK) return status;
  }
  *written = count;
  *total = state->total;
  return LENS_OK;
}
