/* What the commands share: JSON members, types, the object that was asked for. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "units.h"

/* yajl refuses text that is no UTF-8; the lens hands out none such, but a path may be anything. */
static void json_string(yajl_gen json, const char *text) {
  if (yajl_gen_string(json, (const unsigned char *)text, strlen(text)) == yajl_gen_invalid_string) {
    yajl_gen_string(json, (const unsigned char *)"?", 1);
  }
}

void json_name(yajl_gen json, const char *name) { json_string(json, name); }

void json_text(yajl_gen json, const char *name, const char *text) {
  if (name != NULL) json_string(json, name);
  json_string(json, text);
}

/* Through yajl_gen_number: an integer of the library is signed. */
void json_number(yajl_gen json, const char *name, uint64_t number) {
  char text[24];
  int length = snprintf(text, sizeof text, "%" PRIu64, number);
  if (name != NULL) json_string(json, name);
  yajl_gen_number(json, text, (size_t)length);
}

void json_null(yajl_gen json, const char *name) {
  json_string(json, name);
  yajl_gen_null(json);
}

void json_address(yajl_gen json, const char *name, uint64_t address) {
  json_text(json, name, text_address(address).text);
}

void json_object(const struct session *session, const lens_object *object) {
  char value[256] = "";
  json_address(session->json, "addr", object->address);
  json_text(session->json, "type", type_name(session, object->type));
  json_number(session->json, "refcount", object->refcount);
  json_number(session->json, "size", object->size_bytes);
  if (lens_object_text(session->target, object->address, 1, 4, value, sizeof value) == LENS_OK &&
      value[0] != 0) {
    json_text(session->json, "value", value);
  }
  if (is_immortal(object)) {
    json_name(session->json, "immortal");
    yajl_gen_bool(session->json, 1);
  }
}

void json_listing_end(yajl_gen json, uint64_t matched, uint64_t shown) {
  json_number(json, "matched", matched);
  json_number(json, "shown", shown);
}

const char *type_name(const struct session *session, uint32_t type) {
  lens_type shown;
  return lens_type_get(session->target, type, &shown) == LENS_OK ? shown.name : "<no type>";
}

bool is_immortal(const lens_object *object) {
  return (object->state & (LENS_STATE_IMMORTAL | LENS_STATE_SATURATED)) != 0;
}

void text_cut(uint64_t shown, uint64_t matched, const char *word) {
  if (shown >= matched) return;
  printf("%s of %s %s shown; -limit 0 shows all.\n", text_number(shown).text,
         text_number(matched).text, word);
}

lens_status find_object(const struct session *session, lens_object *object) {
  uint64_t address = session->options->address;
  lens_location location;
  lens_status status = lens_locate(session->target, address, &location);
  if (status != LENS_OK) return status;
  bool inside = location.place == LENS_PLACE_OBJECT || location.place == LENS_PLACE_DYING;
  return lens_object_at(session->target, inside ? location.base : address, object);
}
