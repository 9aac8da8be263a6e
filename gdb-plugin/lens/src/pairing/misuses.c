/* Misuses: retains and releases of objects that were freed already, as the quarantine caught them.
 *
 * The heap counts them; what they were of stands in their events alone, as long as these are left.
 *
 * What this is not: writes into freed objects, which change no count (check_blocks.c).
 */
#include <string.h>

#include "analysis.h"
#include "model/type_glob.h"
#include "pairing/events.h"

struct misuse_search {
  const struct lens_model *model;
  const uint8_t *matches; /* NULL: all types do */
  uint64_t capacity, stored, matched, others;
  lens_event *events; /* the last that matched, in order, in a ring */
};

static lens_status meet(void *context, const lens_event *event) {
  struct misuse_search *search = context;
  if (event->caught == 0) return LENS_OK;
  if (search->matches != NULL && event->type == LENS_NONE) return LENS_OK;
  if (search->matches != NULL && !lens_type_glob_has(search->matches, search->model, event->type)) {
    search->others++;
    return LENS_OK;
  }
  if (search->capacity != 0) search->events[search->matched % search->capacity] = *event;
  search->matched++;
  return LENS_OK;
}

static void reverse(lens_event *events, uint64_t first, uint64_t end) {
  for (; first + 1 < end; first++, end--) {
    lens_event kept = events[first];
    events[first] = events[end - 1];
    events[end - 1] = kept;
  }
}

/* Turns the ring around, so that the newest stands first. */
static uint64_t in_order(struct misuse_search *search) {
  uint64_t count = search->matched < search->capacity ? search->matched : search->capacity;
  uint64_t next = count == 0 ? 0 : search->matched % count; /* behind the newest */
  reverse(search->events, 0, next);
  reverse(search->events, next, count);
  return count;
}

lens_status lens_misuses_get(lens *self, uint64_t heap, const char *type_glob, uint64_t capacity,
                             lens_event *events, uint64_t *written, lens_misuses *out) {
  *written = 0;
  *out = (lens_misuses){0};
  if (heap >= self->model.heap_count) return LENS_BAD_ARGUMENT;
  const struct lens_heap_model *tracked = &self->model.heaps[heap];
  uint64_t all = tracked->tracking.misuse_count;
  if (!tracked->tracked || all == 0) return LENS_OK;
  uint8_t *matches = NULL;
  if (type_glob != NULL) {
    matches = lens_type_glob(&self->model, type_glob);
    if (matches == NULL) return lens_out_of_memory(self);
  }
  struct misuse_search search = {
      .model = &self->model, .matches = matches, .capacity = capacity, .events = events};
  lens_status status = lens_events_visit(self, (uint32_t)heap, 1, UINT64_MAX, meet, &search);
  lens_dealloc(matches);
  if (status != LENS_OK) return status;
  uint64_t told = search.matched + search.others;
  *written = in_order(&search);
  out->matched = type_glob == NULL && all > told ? all : search.matched;
  out->others = search.others;
  out->unknown = type_glob != NULL && all > told ? all - told : 0;
  return LENS_OK;
}
