/* Plain fields: what a type's objects hold beside references, as text. */
#include <stdio.h>
#include <string.h>

#include "model/object.h"

static const char *const kind_names[LENS_FIELD_KINDS] = {
    "uint", "sint", "float", "bool", "char", "text", "text_pointer", "address", "bytes"};

enum { POINTED_TEXT_BYTES = 256 };

static long long sign_extended(uint64_t value, uint32_t width) {
  uint32_t unused = 64 - 8 * width;
  return (long long)(value << unused) >> unused;
}

/* Text and raw bytes in place: as long as the length field says, as far as the block reaches. */
static lens_status write_in_place(lens *self, const struct lens_held *held,
                                  const struct lens_plain_field *field,
                                  struct lens_writer *writer) {
  uint8_t bytes[LENS_HELD_BYTES];
  uint64_t total = field->width;
  if (field->length_width != 0) {
    uint8_t length[8];
    lens_status status =
        lens_held_fetch(held, self, field->length_offset, field->length_width, length);
    if (status != LENS_OK) return status;
    total = lens_load_uint(length, field->length_width);
    uint64_t room = held->block_bytes - field->offset;
    if (total > room / field->width) {
      lens_write(writer, "<%llu units of %u bytes do not fit>", (unsigned long long)total,
                 field->width);
      return LENS_OK;
    }
    total *= field->width;
  }
  uint64_t wanted = total < sizeof bytes ? total : sizeof bytes;
  lens_status status = lens_held_fetch(held, self, field->offset, wanted, bytes);
  if (status != LENS_OK) return status;
  size_t shown = (size_t)wanted;
  if (field->kind == LENS_FIELD_BYTES) {
    lens_write_bytes(writer, bytes, shown, total);
    return LENS_OK;
  }
  if (field->length_width == 0) {
    shown = strnlen((const char *)bytes, shown);
    if (shown < wanted) total = shown;
  }
  lens_write_quoted(writer, bytes, shown, total);
  return LENS_OK;
}

static lens_status write_pointed_text(lens *self, uint64_t address, struct lens_writer *writer) {
  uint8_t bytes[POINTED_TEXT_BYTES];
  uint64_t got = 0;
  if (address == 0) {
    lens_write(writer, "NULL");
    return LENS_OK;
  }
  lens_status status = lens_fetch_prefix(self, address, sizeof bytes, bytes, &got);
  if (status != LENS_OK) return status;
  if (got == 0) {
    lens_write(writer, "0x%llx <unreadable>", (unsigned long long)address);
    return LENS_OK;
  }
  size_t length = strnlen((const char *)bytes, (size_t)got);
  lens_write_quoted(writer, bytes, length, length < got ? length : UINT64_MAX);
  return LENS_OK;
}

lens_status lens_write_field(lens *self, const struct lens_held *held,
                             const struct lens_plain_field *field, struct lens_writer *writer) {
  if (field->kind == LENS_FIELD_TEXT || field->kind == LENS_FIELD_BYTES) {
    return write_in_place(self, held, field, writer);
  }
  uint8_t bytes[8];
  bool is_float = field->kind == LENS_FIELD_FLOAT;
  if (!lens_width_is_integer(field->width) || (is_float && field->width < 4)) {
    lens_write(writer, "<%s of %u bytes>", kind_names[field->kind], field->width);
    return LENS_OK;
  }
  lens_status status = lens_held_fetch(held, self, field->offset, field->width, bytes);
  if (status != LENS_OK) return status;
  uint64_t value = lens_load_uint(bytes, field->width);
  uint8_t character = (uint8_t)value;
  char shown[16];
  switch (field->kind) {
    case LENS_FIELD_SINT:
      lens_write(writer, "%lld", sign_extended(value, field->width));
      break;
    case LENS_FIELD_FLOAT:
      lens_write_float(writer, bytes, field->width);
      break;
    case LENS_FIELD_BOOL:
      lens_write(writer, "%s", value != 0 ? "true" : "false");
      break;
    case LENS_FIELD_CHAR:
      lens_text_printable(&character, 1, '\'', shown, sizeof shown);
      lens_write(writer, "'%s'", shown);
      break;
    case LENS_FIELD_TEXT_POINTER:
      return write_pointed_text(self, value, writer);
    case LENS_FIELD_ADDRESS:
      lens_write(writer, "0x%llx", (unsigned long long)value);
      break;
    default:
      lens_write(writer, "%llu", (unsigned long long)value);
      break;
  }
  return LENS_OK;
}

lens_status lens_object_fields(lens *self, uint64_t address, uint64_t first, uint64_t capacity,
                               lens_field *fields, uint64_t *written, uint64_t *total) {
  struct lens_held held;
  lens_status status = lens_object_hold(self, address, &held);
  if (status != LENS_OK) return status;
  uint64_t count = held.type == NULL ? 0 : held.type->shown.field_count;
  uint64_t stored = 0;
  for (uint64_t i = first; i < count && stored < capacity; i++) {
    const struct lens_plain_field *field = &held.type->fields[i];
    lens_field *out = &fields[stored++];
    *out = (lens_field){.name = field->name,
                        .kind = kind_names[field->kind],
                        .address = address + field->offset,
                        .width = field->width};
    struct lens_writer writer;
    lens_writer_begin(&writer, out->text, sizeof out->text);
    status = lens_write_field(self, &held, field, &writer);
    if (status == LENS_UNREADABLE) {
      lens_write(&writer, "<unreadable>");
    } else if (status != LENS_OK) {
      return status;
    }
  }
  *written = stored;
  *total = count;
  return LENS_OK;
}
