/* What was freed and is still held: strong slots that lead to no object, put together by where they
 * lead.  Each place that was freed is a finding of the audit.
 *
 * There may be as many such slots as there are edges, and all may lead to one place: they are
 * sorted, and gone through, in slices.
 */
#include "analysis.h"

enum { STEPS_A_CLOCK = 1 << 14, STEPS_A_PLACE = 1 << 4 };

static int by_target(const void *a, const void *b) {
  const struct lens_stray *left = a, *right = b;
  if (left->target != right->target) return left->target < right->target ? -1 : 1;
  return left->holder < right->holder ? -1 : left->holder > right->holder;
}

static bool was_freed(uint32_t place) {
  return place == LENS_PLACE_FREED || place == LENS_PLACE_QUARANTINED ||
         place == LENS_PLACE_TOUCHED || place == LENS_PLACE_FRESH || place == LENS_PLACE_FREE_PAGE;
}

/* The slots of [first, end) lead to one address: an object was there. */
static lens_status judge_place(lens *self, const struct lens_stray_place *place) {
  struct lens_audit_state *audit = &self->analysis->audit;
  const struct lens_stray *strays = self->analysis->index.strays.items;
  uint64_t address = strays[place->first].target, count = place->end - place->first;
  lens_location location;
  lens_status status = lens_locate(self, address, &location);
  if (status != LENS_OK) return status;
  if (!was_freed(location.place)) {
    audit->totals.stray += count;
    return LENS_OK;
  }
  lens_track track = {.type = LENS_NONE};
  status = lens_track_at(self, address, &track);
  if (status != LENS_OK && status != LENS_NOT_FOUND) return status;
  struct lens_audit_row row = {.address = address,
                               .object = LENS_NONE,
                               .doubts = place->in_flux ? LENS_DOUBT_FLUX : 0,
                               .slots = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX,
                               .type = track.type};
  return lens_audit_add_freed(self, &row, location.block_bytes);
}

/* Counts the next slots that lead to the place in hand, at most *budget.  False: there may be more.
 */
static bool gather(const lens *self, struct lens_stray_place *place, uint64_t *budget) {
  const struct lens_index *index = &self->analysis->index;
  const struct lens_stray *strays = index->strays.items;
  const uint64_t *in_flux = self->analysis->audit.in_flux;
  for (; place->end < index->stray_count; place->end++, --*budget) {
    if (strays[place->end].target != strays[place->first].target) break;
    if (*budget == 0) return false;
    uint32_t holder = strays[place->end].holder;
    if (in_flux != NULL && (in_flux[holder / 64] >> (holder % 64) & 1) != 0) place->in_flux = true;
  }
  return true;
}

lens_status lens_strays_step(lens *self, const lens_slice *slice) {
  struct lens_index *index = &self->analysis->index;
  struct lens_audit_state *audit = &self->analysis->audit;
  struct lens_stray_place *place = &audit->place;
  if (!index->strays_sorted) {
    lens_status status = lens_sort_step(&audit->sorting, &index->strays, index->stray_count,
                                        sizeof(struct lens_stray), by_target, slice);
    if (status == LENS_NO_MEMORY) return lens_out_of_memory(self);
    if (status != LENS_OK) return status;
    index->strays_sorted = true;
  }
  for (uint64_t budget = STEPS_A_CLOCK; place->first < index->stray_count;) {
    if (gather(self, place, &budget)) {
      lens_status status = judge_place(self, place);
      if (status != LENS_OK) return status;
      *place = (struct lens_stray_place){.first = place->end, .end = place->end};
      budget -= budget < STEPS_A_PLACE ? budget : STEPS_A_PLACE;
    }
    if (budget != 0) continue;
    if (lens_slice_over(slice)) return LENS_AGAIN;
    budget = STEPS_A_CLOCK;
  }
  return LENS_OK;
}
