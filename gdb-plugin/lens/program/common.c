/* What the commands share: JSON members, types, the object that was asked for. */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "page.h"
#include "units.h"

enum { FILE_BYTES_MAX = 16 << 20 };

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

static void json_members(const struct session *session, const lens_object *object,
                         const char *value) {
  json_address(session->json, "addr", object->address);
  json_text(session->json, "type",
            object->type == LENS_NONE ? "?" : type_name(session, object->type));
  json_number(session->json, "refcount", object->refcount);
  json_number(session->json, "size", object->size_bytes);
  if (value[0] != 0) json_text(session->json, "value", value);
  if (is_immortal(object)) json_flag(session->json, "immortal", true);
  if ((object->state & LENS_STATE_SHARED) != 0) json_flag(session->json, "shared", true);
}

void json_object(const struct session *session, const lens_object *object) {
  char value[LENS_VALUE_BYTES];
  object_value(session, object->address, value);
  json_members(session, object, value);
}

void json_bare_object(const struct session *session, const lens_object *object) {
  json_members(session, object, "");
}

void json_listing_end(yajl_gen json, uint64_t matched, uint64_t shown) {
  json_number(json, "matched", matched);
  json_number(json, "shown", shown);
}

const char *type_name(const struct session *session, uint32_t type) {
  lens_type shown;
  return lens_type_get(session->target, type, &shown) == LENS_OK ? shown.name : "<no type>";
}

bool type_matches(const struct session *session, uint32_t type, const char *glob) {
  return fnmatch(glob, type_name(session, type), 0) == 0;
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

void json_flag(yajl_gen json, const char *name, bool value) {
  json_name(json, name);
  yajl_gen_bool(json, value);
}

/* ---- listings ---- */

void rows_begin(const struct session *session) {
  answer_begin(session);
  if (session->json == NULL) return;
  yajl_gen_map_open(session->json);
  json_name(session->json, "rows");
  yajl_gen_array_open(session->json);
}

void rows_end(const struct session *session, uint64_t matched, uint64_t shown) {
  if (session->json == NULL) return;
  yajl_gen_array_close(session->json);
  json_listing_end(session->json, matched, shown);
  yajl_gen_map_close(session->json);
}

uint64_t rows_room(const struct session *session, uint64_t count) {
  uint64_t limit = session->options->limit;
  return limit != 0 && limit < count ? limit : count;
}

void heap_name(const struct session *session, uint32_t heap, char *out, size_t bytes) {
  lens_heap row = {.name = ""};
  (void)lens_heap_get(session->target, heap, &row);
  if (row.name != NULL && row.name[0] != 0) {
    (void)snprintf(out, bytes, "%s", row.name);
  } else {
    (void)snprintf(out, bytes, "heap %" PRIu64, row.id);
  }
}

/* ---- what was chosen ---- */

lens_status session_refuse(struct session *session, const char *what, const char *text) {
  (void)snprintf(session->refusal, sizeof session->refusal, "%s%s%s", what,
                 text == NULL ? "" : ": ", text == NULL ? "" : text);
  return LENS_NOT_FOUND;
}

/* A name that was mistyped is not the same as a type without objects. */
static lens_status choose_type(struct session *session, const char *glob) {
  uint64_t count = lens_type_count(session->target);
  for (uint64_t i = 0; i < count; i++) {
    if (type_matches(session, (uint32_t)i, glob)) return LENS_OK;
  }
  if (count == 0) return LENS_OK;
  size_t used = (size_t)snprintf(session->refusal, sizeof session->refusal,
                                 "no type has that name: %.64s; there are", glob);
  for (uint64_t i = 0; i < count && used < sizeof session->refusal; i++) {
    const char *name = type_name(session, (uint32_t)i);
    if (name[0] == '<') continue; /* index 0 of each heap, and damage */
    used += (size_t)snprintf(session->refusal + used, sizeof session->refusal - used, " %s", name);
  }
  return LENS_NOT_FOUND;
}

/* The heaps that are called so, by number or else by name; *last is one of them. */
static uint64_t count_heaps(const struct session *session, const char *called, bool by_name,
                            uint32_t *last) {
  uint64_t count = 0;
  for (uint64_t i = 0; i < lens_heap_count(session->target); i++) {
    lens_heap heap;
    if (lens_heap_get(session->target, i, &heap) != LENS_OK) continue;
    char number[24];
    (void)snprintf(number, sizeof number, "%" PRIu64, heap.id);
    const char *name = by_name ? heap.name : number;
    if (name == NULL || strcmp(name, called) != 0) continue;
    count++;
    *last = (uint32_t)i;
  }
  return count;
}

/* Two runtimes in one process each count from 1, and names need not differ. */
static lens_status choose_heap(struct session *session, const char *called) {
  uint64_t count = count_heaps(session, called, false, &session->heap);
  bool by_name = count == 0;
  if (by_name) count = count_heaps(session, called, true, &session->heap);
  if (count == 1) return LENS_OK;
  if (count == 0) return session_refuse(session, "no heap has that number or name", called);
  return session_refuse(session,
                        by_name ? "several heaps have that name, choose one by its number"
                                : "several heaps have that number, choose one by its name",
                        called);
}

lens_status session_choose(struct session *session) {
  const struct options *options = session->options;
  session->heap = LENS_NONE;
  lens_status status = options->heap == NULL ? LENS_OK : choose_heap(session, options->heap);
  if (status != LENS_OK || options->type_glob == NULL) return status;
  return choose_type(session, options->type_glob);
}

void object_value(const struct session *session, uint64_t address, char *out) {
  if (lens_object_value(session->target, address, out) != LENS_OK) out[0] = 0;
}

/* `<node serial=1>` beside its type is `<serial=1>`. */
static bool repeats_type(const char *type, const char *value) {
  size_t length = strlen(type);
  if (value[0] != '<' || strncmp(value + 1, type, length) != 0 || value[length + 1] != ' ')
    return false;
  const char *rest = value + length + 2;
  size_t word = strcspn(rest, " =");
  return strncmp(rest, "to ", 3) == 0 || (word != 0 && rest[word] == '=');
}

const char *value_beside(const char *type, char *value) {
  if (!repeats_type(type, value)) return value;
  char *shorter = value + strlen(type) + 1;
  shorter[0] = '<';
  return shorter;
}

void print_value(const char *type, char *value, size_t used) {
  enum { CELLS_MIN = 30 };
  const size_t width = page_width(), gap = 2;
  if (value[0] == 0) return;
  fputs("  ", stdout);
  size_t room = width == 0 ? SIZE_MAX : width > used + gap ? width - used - gap : 0;
  print_cut(value_beside(type, value), room < CELLS_MIN ? CELLS_MIN : room);
}

void object_short(const struct session *session, const lens_object *object, size_t used) {
  char value[LENS_VALUE_BYTES], head[160];
  (void)snprintf(head, sizeof head, "%.96s 0x%" PRIx64 " %s%s", type_name(session, object->type),
                 object->address, is_immortal(object) ? "" : "rc ",
                 text_count(object->refcount).text);
  fputs(head, stdout);
  object_value(session, object->address, value);
  print_value(type_name(session, object->type), value, used + text_cells(head));
}

void json_sums(yajl_gen json, const char *name, const char *counted, uint64_t count,
               uint64_t objects, uint64_t bytes) {
  json_name(json, name);
  yajl_gen_map_open(json);
  if (counted != NULL) json_number(json, counted, count);
  json_number(json, "objects", objects);
  json_number(json, "bytes", bytes);
  yajl_gen_map_close(json);
}

/* ---- files of the user's ---- */

lens_status program_file_read(struct session *session, const char *path, char **out) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) return session_refuse(session, path, strerror(errno));
  size_t used = 0, capacity = 4096;
  char *text = malloc(capacity);
  while (text != NULL) {
    used += fread(text + used, 1, capacity - 1 - used, file);
    if (used < capacity - 1 || capacity >= FILE_BYTES_MAX) break;
    capacity *= 2;
    char *grown = realloc(text, capacity);
    if (grown == NULL) free(text);
    text = grown;
  }
  bool wrong = ferror(file) != 0 || !feof(file);
  (void)fclose(file);
  if (text == NULL) return LENS_NO_MEMORY;
  text[used] = 0;
  *out = text;
  if (!wrong && strlen(text) == used) return LENS_OK;
  free(text);
  return session_refuse(session, path, "it can't be read as a text");
}
