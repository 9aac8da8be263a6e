/* show: one object, its fields, what it holds down to -depth, and what explains its count.
 *
 * Each object's fields stand there once: where it comes again, a line says so.  How deep it goes is
 * the user's word (DEPTH_MAX at most), whatever the target says.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "table.h"
#include "units.h"

enum { PART = 64, SLICE_MS = 50, HEAP_BYTES = 64, DEPTH_MAX = 64, NAME_BYTES = 320 };

struct shown {
  const struct session *session;
  struct table *table;
  uint8_t *seen; /* a byte an object of the snapshot: its fields stand above */
};

/* ---- plain fields ---- */

/* A plain field's value as JSON has it, where its text is a number. */
static void json_plain(yajl_gen json, const lens_field *field) {
  char *end, number[40];
  const char *text = field->text;
  bool whole = strcmp(field->kind, "uint") == 0 || strcmp(field->kind, "sint") == 0;
  size_t digits = strspn(text + (text[0] == '-'), "0123456789");
  if (whole && digits != 0 && text[digits + (text[0] == '-')] == 0) {
    json_name(json, "value");
    yajl_gen_number(json, text, strlen(text));
    return;
  }
  if (strcmp(field->kind, "float") == 0) {
    double value = strtod(text, &end);
    if (end != text && *end == 0 && isfinite(value)) {
      int length = snprintf(number, sizeof number, "%.17g", value);
      json_name(json, "value");
      yajl_gen_number(json, number, (size_t)length);
      return;
    }
  }
  if (strcmp(field->kind, "bool") == 0 && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
    json_flag(json, "value", text[0] == 't');
  else
    json_text(json, "value", text);
}

static void cell_indented(struct table *table, uint64_t level, const char *text) {
  char cell[NAME_BYTES];
  (void)snprintf(cell, sizeof cell, "%*s%s", (int)(2 * level), "", text);
  table_cell(table, cell);
}

static void write_field(const struct shown *self, uint64_t level, const lens_field *field) {
  yajl_gen json = self->session->json;
  if (json == NULL) {
    cell_indented(self->table, level, field->name);
    table_cell(self->table, field->kind);
    table_cell(self->table, text_address(field->address).text);
    table_cell(self->table, field->text);
    return;
  }
  yajl_gen_map_open(json);
  json_text(json, "name", field->name);
  json_text(json, "kind", field->kind);
  json_plain(json, field);
  yajl_gen_map_close(json);
}

/* `quiet`: nothing is written, as the object's value says the same. */
static lens_status write_fields(const struct shown *self, uint64_t level, const lens_object *object,
                                bool quiet, uint64_t *cut) {
  lens_field fields[PART];
  const uint64_t limit = self->session->options->limit;
  uint64_t count = 0, written = 0, total = 0;
  do {
    uint64_t room = limit != 0 && limit - count < PART ? limit - count : PART;
    lens_status status = lens_object_fields(self->session->target, object->address, count, room,
                                            fields, &written, &total);
    if (status != LENS_OK) return status;
    for (uint64_t i = 0; i < written && !quiet; i++) write_field(self, level, &fields[i]);
    count += written;
  } while (written != 0 && count < total && (limit == 0 || count < limit));
  *cut += quiet || total < count ? 0 : total - count;
  return LENS_OK;
}

/* ---- references ---- */

static lens_status write_level(const struct shown *self, uint64_t level, uint64_t depth,
                               const lens_object *object);

/* The object that a reference leads to, as a row; whether its fields stand above already. */
static void cell_target(const struct shown *self, uint64_t target, bool alive, bool again) {
  char value[LENS_VALUE_BYTES + 32];
  table_cell(self->table, text_address(target).text);
  if (alive) {
    object_value(self->session, target, value);
  } else {
    (void)snprintf(value, sizeof value, "(no object)");
  }
  if (again) (void)snprintf(value + strlen(value), 32, "  (see above)");
  table_cell(self->table, value);
}

static lens_status write_ref(const struct shown *self, uint64_t level, uint64_t depth,
                             const lens_object *holder, const lens_ref *ref) {
  const struct session *session = self->session;
  char slot[128];
  lens_object target;
  lens_status status = lens_ref_text(session->target, holder->address, ref, slot, sizeof slot);
  if (status == LENS_CANCELLED || status == LENS_NO_MEMORY) return status;
  if (status != LENS_OK)
    (void)snprintf(slot, sizeof slot, "+0x%" PRIx64, ref->slot_address - holder->address);
  bool alive = lens_object_at(session->target, ref->target, &target) == LENS_OK;
  uint32_t index = 0;
  /* One that is in flux is in no snapshot: it is not opened. */
  bool opens =
      alive && depth > 0 && lens_snapshot_find(session->target, target.address, &index) == LENS_OK;
  bool again = opens && self->seen[index] != 0;
  if (opens) self->seen[index] = 1;
  yajl_gen json = session->json;
  if (json == NULL) {
    cell_indented(self->table, level, slot);
    table_cell(self->table, ref_kind(ref));
    cell_target(self, ref->target, alive, again);
    return opens && !again ? write_level(self, level + 1, depth, &target) : LENS_OK;
  }
  yajl_gen_map_open(json);
  json_text(json, "name", slot);
  json_text(json, "kind", ref_kind(ref));
  status = LENS_OK;
  if (alive) {
    json_name(json, "value");
    yajl_gen_map_open(json);
    json_object(session, &target);
    if (opens && !again) {
      status = write_level(self, level + 1, depth, &target);
    } else if (!again) {
      json_name(json, "fields");
      yajl_gen_array_open(json);
      yajl_gen_array_close(json);
    }
    yajl_gen_map_close(json);
  } else {
    json_null(json, "value");
  }
  yajl_gen_map_close(json);
  return status;
}

static lens_status write_refs(const struct shown *self, uint64_t level, uint64_t depth,
                              const lens_object *object, uint64_t *cut) {
  lens_ref *refs = malloc(PART * sizeof *refs);
  const uint64_t limit = self->session->options->limit;
  uint64_t count = 0, written = 0, total = 0;
  lens_status status = refs == NULL ? LENS_NO_MEMORY : LENS_OK;
  while (status == LENS_OK) {
    uint64_t room = limit != 0 && limit - count < PART ? limit - count : PART;
    status = lens_object_refs(self->session->target, object->address, count, room, refs, &written,
                              &total);
    for (uint64_t i = 0; status == LENS_OK && i < written; i++)
      status = write_ref(self, level, depth, object, &refs[i]);
    count += written;
    if (written == 0 || count >= total || (limit != 0 && count >= limit)) break;
  }
  free(refs);
  *cut += total < count ? 0 : total - count;
  return status;
}

/* "fields" of an object, and of what it holds `depth` - 1 levels further. */
static lens_status write_level(const struct shown *self, uint64_t level, uint64_t depth,
                               const lens_object *object) {
  yajl_gen json = self->session->json;
  uint64_t cut = 0;
  if (json != NULL) {
    json_name(json, "fields");
    yajl_gen_array_open(json);
  }
  lens_type type;
  bool known = lens_type_get(self->session->target, object->type, &type) == LENS_OK;
  bool quiet = json == NULL && level != 0 && known && type.builtin != 0;
  lens_status status = depth == 0 ? LENS_OK : write_fields(self, level, object, quiet, &cut);
  if (status == LENS_OK && depth != 0) status = write_refs(self, level, depth - 1, object, &cut);
  if (json != NULL) {
    yajl_gen_array_close(json);
    if (cut != 0) json_number(json, "fields_left_out", cut);
  } else if (cut != 0) {
    char text[80];
    (void)snprintf(text, sizeof text, "%s more left out; -limit 0 shows all",
                   text_number(cut).text);
    cell_indented(self->table, level, "...");
    table_cell(self->table, "");
    table_cell(self->table, "");
    table_cell(self->table, text);
  }
  return status;
}

/* ---- the answer ---- */

/* Of a shared object: how many strong slots of each heap's objects hold it, a number a heap. */
static lens_status held_from(const struct session *session, const lens_object *object,
                             uint64_t *slots) {
  lens_referrer rows[PART];
  uint64_t first = 0, written = 0, total = 0;
  const uint64_t heaps = lens_heap_count(session->target);
  do {
    lens_status status = LENS_AGAIN;
    while (status == LENS_AGAIN)
      status = lens_referrers(session->target, object->address, SLICE_MS, first, PART, rows,
                              &written, &total);
    if (status != LENS_OK) return status;
    for (uint64_t i = 0; i < written; i++) {
      lens_object holder;
      if (rows[i].ref.kind == LENS_REF_STRONG &&
          lens_object_at(session->target, rows[i].holder, &holder) == LENS_OK &&
          holder.heap < heaps)
        slots[holder.heap]++;
    }
    first += written;
  } while (written != 0 && first < total);
  return LENS_OK;
}

/* The heaps in the order of their numbers: the one behind number `last`, by its index. */
static uint64_t next_heap(const struct session *session, const uint64_t *slots, uint64_t last,
                          bool begun, lens_heap *out) {
  uint64_t best = UINT64_MAX;
  for (uint64_t i = 0; i < lens_heap_count(session->target); i++) {
    lens_heap heap;
    if (slots[i] == 0 || lens_heap_get(session->target, i, &heap) != LENS_OK) continue;
    if ((begun && heap.id <= last) || (best != UINT64_MAX && heap.id >= out->id)) continue;
    best = i;
    *out = heap;
  }
  return best;
}

static lens_status show_held_from(const struct session *session, const lens_object *object) {
  if ((object->state & LENS_STATE_SHARED) == 0) return LENS_OK;
  uint64_t *slots = calloc((size_t)lens_heap_count(session->target) + 1, sizeof *slots);
  if (slots == NULL) return LENS_NO_MEMORY;
  lens_status status = held_from(session, object, slots);
  lens_heap heap = {.id = 0};
  bool begun = false;
  uint64_t at;
  while (status == LENS_OK &&
         (at = next_heap(session, slots, heap.id, begun, &heap)) != UINT64_MAX) {
    yajl_gen json = session->json;
    char name[HEAP_BYTES];
    heap_name(session, (uint32_t)at, name, sizeof name);
    if (json == NULL) {
      printf("%s%s (%s)", begun ? ", " : "held from objects in ", name,
             text_counted(slots[at], "slot").text);
    } else {
      if (!begun) {
        json_name(json, "held_from");
        yajl_gen_array_open(json);
      }
      yajl_gen_map_open(json);
      json_number(json, "heap", heap.id);
      json_text(json, "name", heap.name == NULL ? "" : heap.name);
      json_number(json, "slots", slots[at]);
      yajl_gen_map_close(json);
    }
    begun = true;
  }
  if (begun && session->json != NULL) yajl_gen_array_close(session->json);
  if (begun && session->json == NULL) putchar('\n');
  free(slots);
  return status;
}

/* The heap; what the object keeps outside it. */
static void json_where(const struct session *session, const lens_object *object) {
  uint64_t outside = 0;
  char name[HEAP_BYTES];
  heap_name(session, object->heap, name, sizeof name);
  json_text(session->json, "heap", name);
  if (lens_external_get(session->target, object->heap, object->address, &outside) == LENS_OK &&
      outside != 0)
    json_number(session->json, "external_bytes", outside);
}

lens_status show_run(struct session *session) {
  lens_object object;
  lens_account account;
  lens_columns columns;
  lens_field field;
  uint32_t index, doubts;
  uint64_t depth = session->options->depth, written, total;
  if (depth > DEPTH_MAX) return session_refuse(session, "-depth takes at most 64 levels", NULL);
  lens_status status = find_object(session, &object);
  if (status == LENS_OK)
    status = lens_object_fields(session->target, object.address, 0, 1, &field, &written, &total);
  if (status == LENS_OK) status = lens_columns_get(session->target, &columns);
  if (status != LENS_OK) return status;
  struct table table;
  struct shown shown = {session, &table, calloc((size_t)columns.object_count + 1, 1)};
  if (shown.seen == NULL) return LENS_NO_MEMORY;
  /* One that is in flux is in no snapshot. */
  bool judged = account_of(session, &object, &index, &account, &doubts) == LENS_OK;
  if (judged) account_judge(session, &account);
  if (lens_snapshot_find(session->target, object.address, &index) == LENS_OK) shown.seen[index] = 1;
  table_begin(&table, (const char *const[]){"field", "kind", "=address", "value", NULL});
  answer_begin(session);
  if (session->json != NULL) {
    yajl_gen_map_open(session->json);
    json_object(session, &object);
  } else {
    object_line(session, &object);
  }
  status = write_level(&shown, 0, depth, &object);
  free(shown.seen);
  table_print(&table);
  if (session->json != NULL) json_where(session, &object);
  if (judged && status == LENS_OK) status = account_print(session, &object, &account, doubts);
  if (status == LENS_OK) status = show_held_from(session, &object);
  if (status == LENS_OK) status = tracked_show(session, &object);
  if (session->json != NULL) yajl_gen_map_close(session->json);
  return status;
}
