/* The name of a reference's slot as a user reads it: `next`, `[3]`, `["user:17"]`, `key "a"`,
 * `+0x18`. */
#include "model/object.h"

enum { KEY_DEPTH = 1, KEY_WIDTH = 4 };

/* A type whose first slot is what the object is for: `[3]` says enough. */
static bool is_container(const struct lens_type_model *type) {
  return type->display >= LENS_DISPLAY_TUPLE && type->display <= LENS_DISPLAY_SET;
}

/* The key's text, from the key word of the row. */
static lens_status write_key(lens *self, const struct lens_slot *slot, uint64_t key_address,
                             struct lens_writer *writer) {
  uint8_t bytes[8];
  lens_status status = lens_fetch(self, key_address, sizeof bytes, bytes);
  if (status == LENS_OK) {
    uint64_t key = lens_load_uint(bytes, 8) & ~slot->tag_mask;
    return lens_write_value(self, key, KEY_DEPTH, KEY_WIDTH, writer);
  }
  if (status == LENS_UNREADABLE) lens_write(writer, "<unreadable>");
  return status == LENS_UNREADABLE ? LENS_OK : status;
}

static lens_status write_table_ref(lens *self, const struct lens_type_model *type,
                                   const lens_ref *ref, struct lens_writer *writer) {
  const struct lens_slot *slot = &type->slots[ref->slot];
  if (!is_container(type)) lens_write(writer, "%s%s", slot->name, ref->part == 0 ? " " : "");
  if (ref->part == 0) {
    lens_write(writer, "key ");
    return write_key(self, slot, ref->slot_address, writer);
  }
  lens_write(writer, "[");
  lens_status status = write_key(self, slot, ref->slot_address - slot->value_offset, writer);
  lens_write(writer, "]");
  return status;
}

/* A word of an opaque object: where it lies in it, or in a buffer of it. */
static lens_status write_word(lens *self, uint64_t holder, const lens_ref *ref,
                              struct lens_writer *writer) {
  lens_location location;
  lens_status status = lens_locate(self, ref->slot_address, &location);
  if (status != LENS_OK) return status;
  bool own = location.base == holder;
  lens_write(writer, own ? "+0x%llx" : "buffer +0x%llx",
             (unsigned long long)(ref->slot_address - location.base));
  return LENS_OK;
}

lens_status lens_ref_text(lens *self, uint64_t holder, const lens_ref *ref, char *out,
                          size_t bytes) {
  struct lens_held held;
  lens_status status = lens_object_hold(self, holder, &held);
  if (status != LENS_OK) return status;
  struct lens_writer writer;
  status = lens_writer_begin(&writer, out, bytes);
  if (status != LENS_OK) return lens_fail(self, status, "no room for a text");
  if (ref->slot == LENS_NONE || held.type == NULL) return write_word(self, holder, ref, &writer);
  if (ref->slot >= held.type->shown.slot_count) {
    return lens_fail(self, LENS_BAD_ARGUMENT, "type %s has no slot %u", held.type->shown.name,
                     ref->slot);
  }
  const struct lens_slot *slot = &held.type->slots[ref->slot];
  if (slot->shape == LENS_SHAPE_TABLE) return write_table_ref(self, held.type, ref, &writer);
  bool single = slot->shape == LENS_SHAPE_SINGLE;
  if (single || !is_container(held.type)) lens_write(&writer, "%s", slot->name);
  if (!single) lens_write(&writer, "[%llu]", (unsigned long long)ref->element);
  return LENS_OK;
}
