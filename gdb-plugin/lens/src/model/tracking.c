/* Tracking: what a heap recorded of its objects, beside them.
 *
 * The heap's struct is read with the model.  Records, sites and the quarantine's list are read when
 * they are asked for: small reads, each checked to lie in the arrays that the struct names.
 *
 * What this is not: events, of which there are many (events.c).
 */
#include "model/load.h"

/* ---- with the model ---- */

/* True when `count` rows fit behind `address`. */
static bool rows_fit(uint64_t address, uint64_t count, uint64_t row_bytes) {
  return address != 0 && row_bytes != 0 && count <= (UINT64_MAX - address) / row_bytes;
}

static uint32_t switches_of(const struct lens_contract *contract, uint64_t value) {
  uint32_t switches = 0;
  for (uint32_t bit = 0; bit < LENS_TRACK_BITS; bit++) {
    if ((value & contract->track_switches[bit]) != 0) switches |= 1u << bit;
  }
  return switches;
}

/* The ring, when it makes sense. */
static lens_status take_events(lens *self, const uint8_t *bytes, struct lens_heap_model *heap) {
  const struct lens_layout_tracking *layout = &heap->contract->tracking;
  uint64_t capacity = lens_load_place(bytes, layout->event_capacity);
  uint64_t address = lens_load_place(bytes, layout->events);
  if (capacity == 0) return LENS_OK;
  bool right = capacity <= LENS_EVENTS_MAX && (capacity & (capacity - 1)) == 0 &&
               rows_fit(address, capacity, heap->contract->event.struct_bytes);
  if (!right) {
    lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, address,
                     "the event ring of heap %llu claims an impossible size",
                     (unsigned long long)heap->shown.id);
    return LENS_OK;
  }
  uint64_t count = lens_load_place(bytes, layout->event_count);
  if (count <= LENS_EVENT_COUNT_MAX) {
    heap->events = address;
    heap->tracking.event_capacity = capacity;
    heap->tracking.event_count = count;
    if (count > capacity) heap->tracking.event_lost = count - capacity;
  } else { /* what is in the ring can't be told, but it is a ring */
    lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, address,
                     "the event ring of heap %llu claims an impossible number of events",
                     (unsigned long long)heap->shown.id);
  }
  return lens_heap_meta_add(heap, address, capacity * heap->contract->event.struct_bytes);
}

static lens_status take_sites(lens *self, const uint8_t *bytes, struct lens_heap_model *heap) {
  const struct lens_layout_tracking *layout = &heap->contract->tracking;
  uint64_t count = lens_load_place(bytes, layout->site_count);
  uint64_t address = lens_load_place(bytes, layout->sites);
  heap->tracking.site_lost = lens_load_place(bytes, layout->site_lost);
  if (count == 0) return LENS_OK;
  if (count > LENS_TRACK_SITES_MAX ||
      !rows_fit(address, count, heap->contract->site.struct_bytes)) {
    lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, address,
                     "the table of sites of heap %llu claims an impossible size",
                     (unsigned long long)heap->shown.id);
    return LENS_OK;
  }
  heap->sites = address;
  heap->tracking.site_count = (uint32_t)count;
  return lens_heap_meta_add(heap, address, count * heap->contract->site.struct_bytes);
}

lens_status lens_tracking_read(lens *self, uint64_t address, struct lens_heap_model *heap) {
  const struct lens_layout_tracking *layout = &heap->contract->tracking;
  if (address == 0 || layout->struct_bytes == 0 || layout->extent == 0) return LENS_OK;
  uint8_t bytes[LENS_EXTENT_MAX];
  lens_status status = lens_fetch(self, address, layout->extent, bytes);
  if (status == LENS_UNREADABLE) {
    lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, address,
                     "what heap %llu tracks can't be read", (unsigned long long)heap->shown.id);
    return LENS_OK;
  }
  if (status != LENS_OK) return status;
  heap->tracked = true;
  lens_tracking *shown = &heap->tracking;
  shown->on = layout->on.width == 0 || lens_load_place(bytes, layout->on) != 0;
  shown->serial_last = lens_load_place(bytes, layout->serial_last);
  if (shown->on == 0) return LENS_OK;
  shown->switches = switches_of(heap->contract, lens_load_place(bytes, layout->switches));
  shown->backtrace = (uint32_t)lens_load_place(bytes, layout->backtrace);
  shown->quarantine_count = lens_load_place(bytes, layout->quarantine_count);
  shown->quarantine_bytes = lens_load_place(bytes, layout->quarantine_bytes);
  shown->quarantine_limit = lens_load_place(bytes, layout->quarantine_limit);
  shown->misuse_count = lens_load_place(bytes, layout->misuse_count);
  heap->quarantine_first = lens_load_place(bytes, layout->quarantine_first);
  status = take_events(self, bytes, heap);
  return status == LENS_OK ? take_sites(self, bytes, heap) : status;
}

static const struct lens_heap_model *heap_at(const lens *self, uint64_t heap) {
  return heap < self->model.heap_count ? &self->model.heaps[heap] : NULL;
}

lens_status lens_tracking_get(const lens *self, uint64_t heap, lens_tracking *out) {
  const struct lens_heap_model *model = heap_at(self, heap);
  if (model == NULL) return LENS_BAD_ARGUMENT;
  if (!model->tracked) return LENS_NOT_FOUND;
  *out = model->tracking;
  return LENS_OK;
}

/* ---- records ---- */

lens_status lens_track_of_block(lens *self, const struct lens_block *block, lens_track *out,
                                uint64_t *next) {
  const struct lens_arena_model *arena = &self->model.arenas[block->arena];
  const struct lens_heap_model *heap = &self->model.heaps[arena->shown.heap];
  const struct lens_layout_track_record *layout = &heap->contract->track_record;
  uint64_t page_records = heap->contract->track_page_records;
  if (arena->track == 0 || layout->extent == 0 || page_records == 0) return LENS_NOT_FOUND;
  if (block->index >= page_records || page_records > UINT32_MAX) return LENS_NOT_FOUND;
  uint64_t number = block->page * page_records + block->index;
  if (number >= arena->track_bytes / layout->struct_bytes) return LENS_NOT_FOUND;
  uint8_t bytes[LENS_EXTENT_MAX];
  lens_status status =
      lens_fetch(self, arena->track + number * layout->struct_bytes, layout->extent, bytes);
  if (status != LENS_OK) return status == LENS_UNREADABLE ? LENS_NOT_FOUND : status;
  uint64_t type = lens_load_place(bytes, layout->type);
  bool known =
      type > 0 && type < heap->type_count && self->model.types[heap->first_type + type].known;
  *out = (lens_track){
      .base = block->start,
      .serial = lens_load_place(bytes, layout->serial),
      .heap = arena->shown.heap,
      .type = known ? heap->first_type + (uint32_t)type : LENS_NONE,
      .site = (uint32_t)lens_load_place(bytes, layout->site),
      .freed_site = (uint32_t)lens_load_place(bytes, layout->freed_site),
      .freed_thread = (uint32_t)lens_load_place(bytes, layout->freed_thread),
  };
  *next = lens_load_place(bytes, layout->next);
  return LENS_OK;
}

lens_status lens_track_at(lens *self, uint64_t address, lens_track *out) {
  lens_location location;
  lens_status status = lens_locate(self, address, &location);
  if (status != LENS_OK) return status;
  struct lens_block block;
  if (location.arena == LENS_NONE || location.place == LENS_PLACE_FRESH ||
      !lens_block_find(self, location.arena, address, &block)) {
    return LENS_NOT_FOUND;
  }
  lens_track found;
  uint64_t next;
  status = lens_track_of_block(self, &block, &found, &next);
  if (status != LENS_OK) return status;
  if (found.serial == 0 && found.freed_site == 0 && found.freed_thread == 0) return LENS_NOT_FOUND;
  found.place = location.place;
  *out = found;
  return LENS_OK;
}

/* ---- sites ---- */

lens_status lens_site_get(lens *self, uint64_t heap, uint32_t number, lens_site *out) {
  const struct lens_heap_model *model = heap_at(self, heap);
  if (model == NULL) return LENS_BAD_ARGUMENT;
  if (number == 0 || number > model->tracking.site_count) return LENS_NOT_FOUND;
  const struct lens_layout_site *layout = &model->contract->site;
  uint8_t bytes[LENS_EXTENT_MAX];
  lens_status status = lens_fetch(
      self, model->sites + (number - 1) * (uint64_t)layout->struct_bytes, layout->extent, bytes);
  if (status != LENS_OK) return status;
  lens_site site = {
      .number = number,
      .object_count = lens_load_place(bytes, layout->object_count),
      .object_bytes = lens_load_place(bytes, layout->object_bytes),
      .allocation_count = lens_load_place(bytes, layout->allocation_count),
  };
  uint64_t count = lens_load_place(bytes, layout->frame_count);
  uint64_t room = layout->frames.width / 8;
  for (uint32_t i = 0; i < count && i < room && i < LENS_SITE_FRAMES; i++) {
    site.frames[site.frame_count++] = lens_load_uint(bytes + layout->frames.offset + 8 * i, 8);
  }
  *out = site;
  return LENS_OK;
}

lens_status lens_sites(lens *self, uint64_t heap, uint64_t first, uint64_t capacity,
                       lens_site *sites, uint64_t *written, uint64_t *total) {
  const struct lens_heap_model *model = heap_at(self, heap);
  if (model == NULL) return LENS_BAD_ARGUMENT;
  uint64_t count = model->tracking.site_count;
  uint64_t stored = 0;
  for (uint64_t i = first; i < count && stored < capacity; i++) {
    lens_status status = lens_site_get(self, heap, (uint32_t)i + 1, &sites[stored]);
    if (status == LENS_UNREADABLE) {
      sites[stored] = (lens_site){.number = (uint32_t)i + 1};
    } else if (status != LENS_OK) {
      return status;
    }
    stored++;
  }
  *written = stored;
  *total = count;
  return LENS_OK;
}

/* ---- the quarantine ---- */

/* One block of the list.  LENS_CORRUPT: no block starts at `address`. */
static lens_status quarantined_at(lens *self, uint64_t address, lens_track *out, uint64_t *next) {
  lens_location location;
  lens_status status = lens_locate(self, address, &location);
  if (status != LENS_OK) return status;
  struct lens_block block;
  if (location.arena == LENS_NONE || location.offset != 0 ||
      !lens_block_find(self, location.arena, address, &block)) {
    return LENS_CORRUPT;
  }
  status = lens_track_of_block(self, &block, out, next);
  if (status == LENS_NOT_FOUND) return LENS_CORRUPT;
  out->place =
      location.place == LENS_PLACE_QUARANTINED ? LENS_PLACE_QUARANTINED : LENS_PLACE_DAMAGED;
  return status;
}

lens_status lens_quarantine(lens *self, uint64_t heap, uint64_t first, uint64_t capacity,
                            lens_track *rows, uint64_t *written, uint64_t *total) {
  const struct lens_heap_model *model = heap_at(self, heap);
  if (model == NULL) return LENS_BAD_ARGUMENT;
  uint64_t claimed = model->tracking.quarantine_count;
  uint64_t address = model->quarantine_first;
  uint64_t count = 0, stored = 0, landmark = 0, next_landmark = 1; /* Brent's search for a cycle */
  while (count < claimed && address != 0 && address != landmark) {
    if (count == next_landmark) {
      landmark = address;
      next_landmark *= 2;
    }
    lens_track row;
    lens_status status = quarantined_at(self, address, &row, &address);
    if (status == LENS_CORRUPT) break;
    if (status != LENS_OK) return status;
    if (count++ >= first && stored < capacity) rows[stored++] = row;
  }
  if (count < claimed) {
    lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, address,
                     "the quarantine of heap %llu ends after %llu blocks of %llu",
                     (unsigned long long)model->shown.id, (unsigned long long)count,
                     (unsigned long long)claimed);
  }
  *written = stored;
  *total = count;
  return LENS_OK;
}
