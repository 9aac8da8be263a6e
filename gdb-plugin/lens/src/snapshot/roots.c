/* The roots.  See roots.h. */
#include "snapshot/roots.h"

#include <string.h>

#include "analysis.h"

enum { SLOTS_FIRST = 256, SCAN_BYTES = 64 << 10 };

void lens_roots_free(struct lens_roots *self) {
  lens_column_free(&self->rows);
  lens_column_free(&self->next);
  lens_column_free(&self->first_of);
  lens_column_free(&self->stale);
  lens_dealloc(self->slots);
  *self = (struct lens_roots){0};
}

void lens_roots_clear(lens *self) {
  if (self->analysis == NULL) return;
  lens_roots_free(&self->analysis->roots);
  lens_roots_changed(self);
}

/* ---- the hash of slots ---- */

static size_t slot_home(const struct lens_roots *self, uint64_t slot_address) {
  return (size_t)((slot_address * 0x9e3779b97f4a7c15u) >> 32) & (self->slot_capacity - 1);
}

/* Where the slot stands in the hash, or the free place for it. */
static uint32_t *slot_place(const struct lens_roots *self, uint64_t slot_address) {
  size_t at = slot_home(self, slot_address);
  while (self->slots[at] != 0 &&
         lens_root_rows(self)[self->slots[at] - 1].slot_address != slot_address) {
    at = (at + 1) & (self->slot_capacity - 1);
  }
  return &self->slots[at];
}

static bool slots_reserve(struct lens_roots *self) {
  if (self->slots != NULL && (self->slot_count + 1) * 2 <= self->slot_capacity) return true;
  size_t capacity = self->slots == NULL ? SLOTS_FIRST : self->slot_capacity * 2;
  uint32_t *slots = lens_alloc_zeroed(capacity, sizeof *slots);
  if (slots == NULL) return false;
  lens_dealloc(self->slots);
  self->slots = slots;
  self->slot_capacity = capacity;
  for (uint64_t i = 0; i < self->count; i++) {
    uint64_t slot_address = lens_root_rows(self)[i].slot_address;
    if (slot_address != 0) *slot_place(self, slot_address) = (uint32_t)i + 1;
  }
  return true;
}

/* ---- the chains of objects ---- */

/* The link that leads to root `index`, or to the first root below it. */
static uint32_t *link_to(struct lens_roots *self, uint32_t object, uint32_t index) {
  uint32_t *next = self->next.items;
  uint32_t *link = (uint32_t *)self->first_of.items + object;
  while (*link > index + 1) link = &next[*link - 1];
  return link;
}

static void chain(struct lens_roots *self, uint32_t object, uint32_t index) {
  uint32_t *link = link_to(self, object, index);
  ((uint32_t *)self->next.items)[index] = *link;
  *link = index + 1;
}

static void unchain(struct lens_roots *self, uint32_t object, uint32_t index) {
  *link_to(self, object, index) = ((uint32_t *)self->next.items)[index];
}

/* ---- adding ---- */

static bool is_named(uint32_t kind) { return kind <= LENS_ROOT_TLS; }

static bool rows_reserve(struct lens_roots *self, uint64_t objects) {
  return lens_column_reserve(&self->first_of, objects, sizeof(uint32_t)) &&
         lens_column_reserve(&self->rows, self->count + 1, sizeof(lens_root)) &&
         lens_column_reserve(&self->next, self->count + 1, sizeof(uint32_t)) && slots_reserve(self);
}

/* Adds or replaces; `root->object` is set.  *added tells whether there is one more. */
static lens_status put(lens *self, const lens_root *root, bool *added) {
  struct lens_roots *roots = &self->analysis->roots;
  *added = false;
  if (roots->count >= LENS_NONE - 1)
    return lens_fail(self, LENS_UNSUPPORTED, "there are more roots than the lens can read: %u",
                     LENS_NONE - 1);
  if (!rows_reserve(roots, self->analysis->snapshot.object_count)) return lens_out_of_memory(self);
  uint32_t *place = root->slot_address == 0 ? NULL : slot_place(roots, root->slot_address);
  lens_root *rows = roots->rows.items;
  if (place != NULL && *place != 0) {
    uint32_t known = *place - 1;
    if (!is_named(root->kind) || is_named(rows[known].kind)) return LENS_OK;
    unchain(roots, rows[known].object, known);
    rows[known] = *root;
    chain(roots, root->object, known);
    return LENS_OK;
  }
  uint32_t index = (uint32_t)roots->count++;
  rows[index] = *root;
  if (place != NULL) {
    *place = index + 1;
    roots->slot_count++;
  }
  chain(roots, root->object, index);
  *added = true;
  return LENS_OK;
}

lens_status lens_root_add(lens *self, const lens_root *root) {
  lens_status status = lens_need_snapshot(self);
  if (status != LENS_OK) return status;
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  lens_root resolved = *root;
  resolved.object = lens_directory_find(&snapshot->directory, root->value);
  if (resolved.object == LENS_NONE) return LENS_OK;
  resolved.interior = lens_row_addresses(snapshot)[resolved.object] != root->value;
  lens_roots_changed(self);
  bool added;
  return put(self, &resolved, &added);
}

/* ---- scanning ---- */

/* A word that holds nothing any more: its block was given back to malloc. */
static lens_status note_stale(lens *self, uint32_t object) {
  struct lens_roots *roots = &self->analysis->roots;
  if (!lens_column_reserve(&roots->stale, self->analysis->snapshot.object_count, sizeof(uint32_t)))
    return lens_out_of_memory(self);
  uint32_t *words = (uint32_t *)roots->stale.items + object;
  *words += *words < UINT32_MAX;
  roots->stale_count++;
  return LENS_OK;
}

/* The words of one piece of memory.  Most are no address of the heap: one comparison each. */
static lens_status scan_words(lens *self, const lens_root *like, const uint8_t *bytes,
                              uint64_t count, uint64_t *added) {
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  const struct lens_directory *directory = &snapshot->directory;
  uint64_t low = directory->low, width = directory->high - directory->low;
  for (uint64_t at = 0; at + sizeof(uint64_t) <= count; at += sizeof(uint64_t)) {
    uint64_t word;
    memcpy(&word, bytes + at, sizeof word);
    if (word - low >= width) continue;
    lens_root root = *like;
    root.object = lens_directory_find(directory, word);
    if (root.object == LENS_NONE) continue;
    root.slot_address = like->slot_address + at;
    root.value = word;
    root.interior = lens_row_addresses(snapshot)[root.object] != word;
    lens_status status;
    if (root.kind == LENS_ROOT_FOREIGN &&
        lens_freed_holds(&self->analysis->freed, root.slot_address)) {
      status = note_stale(self, root.object);
      if (status != LENS_OK) return status;
      continue;
    }
    bool is_new;
    status = put(self, &root, &is_new);
    if (status != LENS_OK) return status;
    *added += is_new;
  }
  return LENS_OK;
}

lens_status lens_roots_scan(lens *self, uint64_t start, uint64_t end, uint32_t kind,
                            uint32_t thread, uint32_t slice_ms, uint64_t *cursor, uint64_t *added) {
  lens_status status = lens_need_snapshot(self);
  if (status != LENS_OK) return status;
  const uint64_t word_bytes = sizeof(uint64_t);
  if (end > UINT64_MAX - SCAN_BYTES) end = UINT64_MAX - SCAN_BYTES;
  uint64_t at = *cursor < start ? start : *cursor, found = 0;
  at = (at + word_bytes - 1) / word_bytes * word_bytes;
  lens_roots_changed(self);
  lens_slice slice = lens_slice_begin(slice_ms);
  if (kind == LENS_ROOT_FOREIGN) {
    status = lens_freed_step(self, &slice);
    *cursor = at;
    *added = 0;
    if (status != LENS_OK) return status;
  }
  while (at < end && status == LENS_OK) {
    at = lens_next_readable(self, at, end);
    at = (at + word_bytes - 1) / word_bytes * word_bytes;
    if (at + word_bytes > end) break;
    const uint8_t *bytes = NULL;
    uint64_t available = 0, wanted = end - at < SCAN_BYTES ? end - at : SCAN_BYTES;
    status = lens_view(self, at, wanted, &bytes, &available);
    if (status == LENS_UNREADABLE || (status == LENS_OK && available < word_bytes)) {
      at = (at / LENS_GRAIN_BYTES + 1) * LENS_GRAIN_BYTES;
      status = LENS_OK;
    } else if (status == LENS_OK) {
      lens_root like = {.slot_address = at,
                        .kind = kind,
                        .confidence = LENS_CONFIDENCE_CONSERVATIVE,
                        .thread = thread,
                        .frame = LENS_NONE};
      status = scan_words(self, &like, bytes, available, &found);
      at += available / word_bytes * word_bytes;
    }
    if (status == LENS_OK && at < end && lens_slice_over(&slice)) status = LENS_AGAIN;
  }
  if (status != LENS_OK && status != LENS_AGAIN) return status;
  *cursor = status == LENS_OK ? end : at;
  *added = found;
  return status;
}

/* ---- asking ---- */

uint64_t lens_root_count(const lens *self) {
  return self->analysis == NULL ? 0 : self->analysis->roots.count;
}

lens_status lens_root_get(const lens *self, uint64_t index, lens_root *out) {
  if (index >= lens_root_count(self)) return LENS_NOT_FOUND;
  *out = lens_root_rows(&self->analysis->roots)[index];
  return LENS_OK;
}

uint64_t lens_roots_count_of(const struct lens_roots *self, uint32_t object) {
  if (self->count == 0) return 0;
  const uint32_t *next = self->next.items;
  uint64_t count = 0;
  for (uint32_t at = ((const uint32_t *)self->first_of.items)[object]; at != 0; at = next[at - 1])
    count++;
  return count;
}

lens_status lens_roots_of(const lens *self, uint32_t object, uint64_t capacity, uint64_t *roots,
                          uint64_t *written, uint64_t *total) {
  if (self->analysis == NULL || !self->analysis->snapshot.complete) return LENS_BAD_ARGUMENT;
  if (object >= self->analysis->snapshot.object_count) return LENS_NOT_FOUND;
  const struct lens_roots *known = &self->analysis->roots;
  uint64_t count = lens_roots_count_of(known, object), left = count;
  if (count != 0) {
    const uint32_t *next = known->next.items;
    for (uint32_t at = ((const uint32_t *)known->first_of.items)[object]; at != 0;
         at = next[at - 1]) {
      if (--left < capacity) roots[left] = at - 1;
    }
  }
  *written = count < capacity ? count : capacity;
  *total = count;
  return LENS_OK;
}
