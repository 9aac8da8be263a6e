/* One object: its header, type and block, and its references as rows. */
#include "model/object.h"

#include <string.h>

static const char *place_name(uint32_t place) {
  switch (place) {
    case LENS_PLACE_OBJECT:
      return "the middle of an object";
    case LENS_PLACE_DYING:
      return "the middle of a dying object";
    case LENS_PLACE_BUFFER:
      return "a buffer";
    case LENS_PLACE_FREED:
      return "a block that was freed";
    case LENS_PLACE_QUARANTINED:
      return "a block that was freed and is in quarantine";
    case LENS_PLACE_TOUCHED:
      return "a block that was freed and, it seems, retained since";
    case LENS_PLACE_FRESH:
      return "a block that was never used";
    case LENS_PLACE_FREE_PAGE:
      return "a free page";
    case LENS_PLACE_ARENA_META:
      return "an arena's own data";
    case LENS_PLACE_HEAP_META:
      return "a heap's own data";
    case LENS_PLACE_UNREADABLE:
      return "memory that can't be read";
    case LENS_PLACE_DAMAGED:
      return "a damaged block";
    default:
      return "nothing of any heap";
  }
}

lens_status lens_object_hold(lens *self, uint64_t address, struct lens_held *out) {
  lens_location location = {0};
  lens_status status = lens_locate(self, address, &location);
  if (status != LENS_OK) return status;
  bool is_object = location.place == LENS_PLACE_OBJECT || location.place == LENS_PLACE_DYING;
  if (!is_object || location.offset != 0) {
    lens_fail(self, LENS_NOT_FOUND, "no object at 0x%llx: %s", (unsigned long long)address,
              place_name(location.place));
    return LENS_NOT_FOUND;
  }
  uint64_t wanted =
      location.block_bytes < sizeof out->bytes ? location.block_bytes : sizeof out->bytes;
  status = lens_fetch_prefix(self, address, wanted, out->bytes, &out->byte_count);
  if (status != LENS_OK) return status;
  if (out->byte_count < 8) {
    lens_fail(self, LENS_UNREADABLE, "the object at 0x%llx can't be read",
              (unsigned long long)address);
    return LENS_UNREADABLE;
  }
  struct lens_head head;
  lens_head_decode(self, location.heap, lens_load_uint(out->bytes, 8), &head);
  if (head.type != LENS_NONE &&
      self->model.types[head.type].shown.size_bytes > location.block_bytes) {
    head.state |= LENS_STATE_DAMAGED; /* as the walk sees it: its slots would be anything */
    head.type = LENS_NONE;
  }
  out->type = head.type == LENS_NONE ? NULL : &self->model.types[head.type];
  out->block_bytes = location.block_bytes;
  out->shown = (lens_object){.address = address,
                             .size_bytes = location.block_bytes,
                             .type = head.type,
                             .refcount = head.place == LENS_PLACE_DYING ? 0 : head.refcount,
                             .state = head.state,
                             .heap = location.heap,
                             .arena = location.arena};
  return LENS_OK;
}

void lens_held_slots(const struct lens_held *held, lens *self, struct lens_slots *it) {
  lens_slots_begin(it, self, held->type, held->shown.address, held->block_bytes, held->bytes,
                   held->byte_count);
}

lens_status lens_held_fetch(const struct lens_held *held, lens *self, uint64_t offset,
                            uint64_t bytes, void *out) {
  if (offset > held->block_bytes || bytes > held->block_bytes - offset) return LENS_UNREADABLE;
  if (offset + bytes <= held->byte_count) {
    memcpy(out, held->bytes + offset, (size_t)bytes);
    return LENS_OK;
  }
  return lens_fetch(self, held->shown.address + offset, bytes, out);
}

lens_status lens_object_at(lens *self, uint64_t address, lens_object *out) {
  struct lens_held held;
  lens_status status = lens_object_hold(self, address, &held);
  if (status == LENS_OK) *out = held.shown;
  return status;
}

lens_status lens_object_refs(lens *self, uint64_t address, uint64_t first, uint64_t capacity,
                             lens_ref *refs, uint64_t *written, uint64_t *total) {
  struct lens_held held;
  lens_status status = lens_object_hold(self, address, &held);
  if (status != LENS_OK) return status;
  struct lens_slots it;
  struct lens_place_ref ref;
  uint64_t count = 0;
  uint64_t stored = 0;
  lens_held_slots(&held, self, &it);
  while (lens_slots_next(&it, &ref)) {
    if (count++ < first || stored >= capacity) continue;
    lens_location target;
    status = lens_locate(self, ref.target, &target);
    if (status != LENS_OK) return status;
    refs[stored++] = lens_ref_shown(&ref, target.place);
  }
  if (it.status != LENS_OK) return it.status;
  *written = stored;
  *total = count;
  return LENS_OK;
}
