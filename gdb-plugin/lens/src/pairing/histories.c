/* Histories: the events of all rings, dealt out to the objects that they are of.
 *
 * What this is not: it pairs nothing (match.c) and learns nothing (learn.c).
 */
#include <string.h>

#include "analysis.h"
#include "pairing/events.h"

enum {
  EVENTS_A_CLOCK = 1 << 12,
  TABLE_FIRST = 256,
  DEEDS_MAX = 1 << 28 /* as many as the largest ring has */
};

/* ---- the hash ---- */

static size_t home_of(const struct lens_table *self, uint64_t key) {
  key *= 0x9e3779b97f4a7c15u;
  return (size_t)(key ^ key >> 32) & (self->capacity - 1);
}

uint32_t *lens_table_place(const struct lens_table *self, uint64_t key, lens_table_same_fn same,
                           const void *context) {
  size_t at = home_of(self, key);
  while (self->places[at] != 0 && !same(context, self->places[at] - 1))
    at = (at + 1) & (self->capacity - 1);
  return &self->places[at];
}

bool lens_table_reserve(struct lens_table *self, uint64_t count, bool *grown) {
  *grown = false;
  if (self->places != NULL && (count + 1) * 2 <= self->capacity) return true;
  size_t capacity = self->places == NULL ? TABLE_FIRST : self->capacity * 2;
  uint32_t *places = lens_alloc_zeroed(capacity, sizeof *places);
  if (places == NULL) return false;
  lens_dealloc(self->places);
  *self = (struct lens_table){places, capacity};
  *grown = true;
  return true;
}

void lens_table_free(struct lens_table *self) {
  lens_dealloc(self->places);
  *self = (struct lens_table){0};
}

/* ---- places ---- */

struct place_key {
  const lens_pair_site *rows;
  uint64_t caller;
  uint32_t heap, site;
};

static uint64_t place_hash(uint64_t caller, uint32_t heap, uint32_t site) {
  return site == 0 ? caller : ((uint64_t)heap << 40 ^ site) * 0x100000001b3u;
}

static bool is_same_place(const void *context, uint32_t row) {
  const struct place_key *key = context;
  return key->rows[row].caller == key->caller && key->rows[row].heap == key->heap &&
         key->rows[row].site == key->site;
}

/* The number of the event's place, new or not. */
static lens_status place_of(lens *self, const lens_event *event, uint32_t *number) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  bool grown;
  if (!lens_column_reserve(&pairs->sites, pairs->site_count + 1, sizeof(lens_pair_site)) ||
      !lens_column_reserve(&pairs->made, pairs->site_count + 1, sizeof(uint32_t)) ||
      !lens_table_reserve(&pairs->by_place, pairs->site_count, &grown)) {
    return lens_out_of_memory(self);
  }
  lens_pair_site *rows = pairs->sites.items;
  for (uint64_t i = 0; grown && i < pairs->site_count; i++) {
    const struct place_key known = {rows, rows[i].caller, rows[i].heap, rows[i].site};
    *lens_table_place(&pairs->by_place, place_hash(known.caller, known.heap, known.site),
                      is_same_place, &known) = (uint32_t)i + 1;
  }
  const struct place_key key = {rows, event->caller, event->site == 0 ? LENS_NONE : event->heap,
                                event->site};
  uint32_t *place = lens_table_place(&pairs->by_place, place_hash(key.caller, key.heap, key.site),
                                     is_same_place, &key);
  if (*place == 0) {
    rows[pairs->site_count] =
        (lens_pair_site){.caller = key.caller, .heap = key.heap, .site = key.site};
    *place = (uint32_t)++pairs->site_count;
  }
  *number = *place - 1;
  return LENS_OK;
}

/* ---- objects ---- */

struct serial_key {
  const struct lens_history *rows;
  uint64_t serial;
  uint32_t heap;
};

static uint64_t serial_hash(uint32_t heap, uint64_t serial) {
  return serial ^ (uint64_t)heap << 48;
}

static bool is_same_object(const void *context, uint32_t row) {
  const struct serial_key *key = context;
  return key->rows[row].serial == key->serial && key->rows[row].heap == key->heap;
}

const struct lens_history *lens_history_find(const lens *self, uint32_t heap, uint64_t serial) {
  const struct lens_pairs_state *pairs = &self->analysis->pairs;
  if (pairs->by_serial.places == NULL) return NULL;
  const struct serial_key key = {pairs->histories.items, serial, heap};
  uint32_t place =
      *lens_table_place(&pairs->by_serial, serial_hash(heap, serial), is_same_object, &key);
  return place == 0 ? NULL : &key.rows[place - 1];
}

/* The history of the event's object, new or not. */
static lens_status history_of(lens *self, const lens_event *event, struct lens_history **out) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  bool grown;
  if (!lens_column_reserve(&pairs->histories, pairs->history_count + 1,
                           sizeof(struct lens_history)) ||
      !lens_table_reserve(&pairs->by_serial, pairs->history_count, &grown)) {
    return lens_out_of_memory(self);
  }
  struct lens_history *rows = pairs->histories.items;
  for (uint64_t i = 0; grown && i < pairs->history_count; i++) {
    const struct serial_key known = {rows, rows[i].serial, rows[i].heap};
    *lens_table_place(&pairs->by_serial, serial_hash(known.heap, known.serial), is_same_object,
                      &known) = (uint32_t)i + 1;
  }
  const struct serial_key key = {rows, event->serial, event->heap};
  uint32_t *place =
      lens_table_place(&pairs->by_serial, serial_hash(key.heap, key.serial), is_same_object, &key);
  if (*place == 0) {
    rows[pairs->history_count] = (struct lens_history){
        .object = event->object, .serial = event->serial, .heap = event->heap, .type = event->type};
    *place = (uint32_t)++pairs->history_count;
  }
  *out = &rows[*place - 1];
  return LENS_OK;
}

static lens_status keep(void *context, const lens_event *event) {
  lens *self = context;
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  bool counts = event->op == LENS_EVENT_ALLOCATE || event->op == LENS_EVENT_FREE ||
                event->op == LENS_EVENT_RETAIN || event->op == LENS_EVENT_RELEASE;
  if (!counts || event->object == 0 || event->serial == 0 || pairs->deed_count >= DEEDS_MAX)
    return LENS_OK;
  struct lens_history *history = NULL;
  struct lens_kept_deed deed = {.sequence = event->sequence,
                                .thread = event->thread,
                                .count = event->count,
                                .op = (uint8_t)event->op,
                                .inner = event->inner != 0,
                                .caught = event->caught != 0,
                                .stack = event->stack,
                                .holder = event->holder};
  if (!lens_column_reserve(&pairs->deeds, pairs->deed_count + 1, sizeof deed))
    return lens_out_of_memory(self);
  lens_status status = place_of(self, event, &deed.site);
  if (status == LENS_OK) status = history_of(self, event, &history);
  if (status != LENS_OK || history == NULL) return status;
  if (event->op == LENS_EVENT_ALLOCATE && event->type != LENS_NONE)
    ((uint32_t *)pairs->made.items)[deed.site] = event->type + 1;
  struct lens_kept_deed *deeds = pairs->deeds.items;
  uint32_t number = (uint32_t)pairs->deed_count++;
  deeds[number] = deed;
  if (!lens_frames_note(pairs, number)) return lens_out_of_memory(self);
  if (history->count == 0) {
    history->late = number;
  } else {
    deeds[history->last].next = number + 1;
  }
  history->last = number;
  if (++history->count > LENS_DEEDS_IN_HAND) history->late = deeds[history->late].next - 1;
  history->freed = history->freed || event->op == LENS_EVENT_FREE || event->caught != 0;
  return LENS_OK;
}

/* ---- reading ---- */

void lens_pairs_free(struct lens_pairs_state *self) {
  lens_column_free(&self->deeds);
  lens_column_free(&self->histories);
  lens_column_free(&self->sites);
  lens_column_free(&self->made);
  lens_column_free(&self->mixes);
  lens_column_free(&self->parts);
  lens_column_free(&self->cells);
  lens_column_free(&self->scales);
  lens_column_free(&self->bonds);
  lens_column_free(&self->partners);
  lens_column_free(&self->sums);
  lens_column_free(&self->even);
  lens_column_free(&self->match.deeds);
  lens_column_free(&self->match.parts);
  lens_column_free(&self->match.open);
  lens_column_free(&self->match.work);
  lens_column_free(&self->match.by_holder);
  lens_column_free(&self->match.known);
  lens_column_free(&self->match.uses);
  lens_column_free(&self->match.blamed);
  lens_column_free(&self->match.unmatched);
  lens_column_free(&self->blames);
  lens_column_free(&self->blame_others);
  lens_column_free(&self->blame_lists);
  lens_table_free(&self->by_serial);
  lens_table_free(&self->by_place);
  lens_table_free(&self->by_mix);
  lens_table_free(&self->by_bond);
  lens_frames_free(self);
  lens_column_free(&self->match.numbers);
  *self = (struct lens_pairs_state){0};
}

static bool records_events(const lens *self) {
  for (size_t i = 0; i < self->model.heap_count; i++) {
    if (self->model.heaps[i].tracked && self->model.heaps[i].tracking.event_capacity != 0)
      return true;
  }
  return false;
}

static lens_status step(lens *self, const lens_slice *slice, lens_progress *progress) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  while (pairs->heap < self->model.heap_count) {
    const struct lens_heap_model *heap = &self->model.heaps[pairs->heap];
    uint64_t lost = heap->tracking.event_lost, count = heap->tracking.event_count;
    if (pairs->sequence <= lost) pairs->sequence = lost + 1;
    if (!heap->tracked || heap->tracking.event_capacity == 0 || pairs->sequence > count) {
      pairs->heap++;
      pairs->sequence = 0;
      continue;
    }
    uint64_t end =
        count - pairs->sequence < EVENTS_A_CLOCK ? count : pairs->sequence + EVENTS_A_CLOCK;
    lens_status status =
        lens_events_visit(self, (uint32_t)pairs->heap, pairs->sequence, end, keep, self);
    if (status != LENS_OK) return status;
    lens_progress_set(progress, "events", end - lost, count - lost);
    pairs->sequence = end + 1;
    if (lens_slice_over(slice)) return LENS_AGAIN;
  }
  return LENS_OK;
}

lens_status lens_pairs_read(lens *self, uint32_t slice_ms, lens_progress *progress) {
  lens_status status = lens_need_model(self);
  if (status != LENS_OK) return status;
  if (!records_events(self)) return lens_fail(self, LENS_NOT_FOUND, "no heap records events");
  if (lens_analysis_of(self) == NULL) return lens_out_of_memory(self);
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  if (pairs->phase >= LENS_PAIRS_READ) return LENS_OK;
  pairs->phase = LENS_PAIRS_READING;
  lens_slice slice = lens_slice_begin(slice_ms);
  status = step(self, &slice, progress);
  if (status == LENS_AGAIN) return status;
  if (status != LENS_OK) {
    lens_pairs_free(pairs);
    return status;
  }
  pairs->phase = LENS_PAIRS_READ;
  return LENS_OK;
}

uint64_t lens_pair_site_count(const lens *self) {
  return self->analysis == NULL ? 0 : self->analysis->pairs.site_count;
}

lens_status lens_pair_site_get(const lens *self, uint64_t index, lens_pair_site *out) {
  if (index >= lens_pair_site_count(self)) return LENS_NOT_FOUND;
  *out = lens_pair_sites(&self->analysis->pairs)[index];
  return LENS_OK;
}

lens_status lens_pair_function_set(lens *self, uint64_t index, uint64_t function, uint32_t inner) {
  if (index >= lens_pair_site_count(self)) return LENS_NOT_FOUND;
  lens_pair_site *row = (lens_pair_site *)self->analysis->pairs.sites.items + index;
  row->function = function;
  row->inner = inner != 0;
  return LENS_OK;
}
