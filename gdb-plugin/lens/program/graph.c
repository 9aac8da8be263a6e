/* cycles and retained: which objects hold each other, and what would go if one thing went. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "table.h"
#include "units.h"

enum { SLICE_MS = 50, MEMBERS_SHOWN = 20, BREAKS_SHOWN = 8 };

static uint64_t room_of(const struct session *session, uint64_t most) {
  uint64_t limit = session->options->limit;
  return limit != 0 && limit < most ? limit : most;
}

static void rows_begin(const struct session *session) {
  answer_begin(session);
  if (session->json == NULL) return;
  yajl_gen_map_open(session->json);
  json_name(session->json, "rows");
  yajl_gen_array_open(session->json);
}

static void json_bool(yajl_gen json, const char *name, bool value) {
  json_name(json, name);
  yajl_gen_bool(json, value);
}

/* Roots without names are guesses, so the answer is one. */
static lens_status roots_conservative(struct session *session) {
  session->exactness = "conservative";
  return roots_find(session);
}

/* ---- cycles ---- */

struct cycle {
  lens_cycle row;
  lens_cycle_opened opened;
  lens_cycle_slot slots[MEMBERS_SHOWN];
  lens_cycle_break breaks[BREAKS_SHOWN];
  uint64_t slot_count, break_count; /* that are in hand */
};

static lens_status cycle_open(const struct session *session, struct cycle *cycle) {
  lens *target = session->target;
  uint64_t total;
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_cycle_open(target, cycle->row.cycle, SLICE_MS, NULL);
  if (status == LENS_OK) status = lens_cycle_opened_get(target, &cycle->opened);
  if (status == LENS_OK)
    status = lens_cycle_slots(target, MEMBERS_SHOWN, cycle->slots, &cycle->slot_count, &total);
  if (status == LENS_OK)
    status = lens_cycle_breaks(target, BREAKS_SHOWN, cycle->breaks, &cycle->break_count, &total);
  return status;
}

static void slot_text(const struct session *session, const lens_cycle_slot *slot, char *out,
                      size_t bytes) {
  lens_object holder;
  out[0] = 0;
  if (lens_snapshot_object(session->target, slot->holder, &holder) != LENS_OK ||
      lens_ref_text(session->target, holder.address, &slot->ref, out, bytes) != LENS_OK)
    (void)snprintf(out, bytes, "?");
}

static lens_status cycle_objects_json(const struct session *session, const struct cycle *cycle) {
  uint32_t objects[MEMBERS_SHOWN];
  uint64_t count = 0, total = 0;
  lens_status status = lens_cycle_objects(session->target, cycle->row.cycle, 0, MEMBERS_SHOWN,
                                          objects, &count, &total);
  json_name(session->json, "objects");
  yajl_gen_array_open(session->json);
  for (uint64_t i = 0; status == LENS_OK && i < count; i++) {
    lens_object object;
    status = lens_snapshot_object(session->target, objects[i], &object);
    if (status != LENS_OK) break;
    yajl_gen_map_open(session->json);
    json_object(session, &object);
    yajl_gen_map_close(session->json);
  }
  yajl_gen_array_close(session->json);
  return status;
}

static lens_status cycle_slots_json(const struct session *session, const struct cycle *cycle) {
  json_name(session->json, "slots");
  yajl_gen_array_open(session->json);
  for (uint64_t i = 0; i < cycle->slot_count; i++) {
    char text[96];
    lens_object holder;
    lens_status status = lens_snapshot_object(session->target, cycle->slots[i].holder, &holder);
    if (status != LENS_OK) return status;
    slot_text(session, &cycle->slots[i], text, sizeof text);
    yajl_gen_map_open(session->json);
    json_address(session->json, "holder", holder.address);
    json_text(session->json, "slot", text);
    json_text(session->json, "kind",
              cycle->slots[i].ref.kind == LENS_REF_STRONG ? "strong" : "opaque");
    json_address(session->json, "target", cycle->slots[i].ref.target);
    yajl_gen_map_close(session->json);
  }
  yajl_gen_array_close(session->json);
  return LENS_OK;
}

static lens_status break_json(const struct session *session, const struct cycle *cycle) {
  yajl_gen json = session->json;
  const lens_cycle_break *best = &cycle->breaks[0];
  json_name(json, "break");
  if (cycle->break_count == 0 || best->tried == 0) {
    yajl_gen_null(json);
    return LENS_OK;
  }
  lens_object holder;
  lens_status status = lens_snapshot_object(session->target, best->holder, &holder);
  if (status != LENS_OK) return status;
  yajl_gen_map_open(json);
  json_text(json, "type", type_name(session, best->type));
  json_text(json, "slot", best->name);
  json_name(json, "holder");
  yajl_gen_map_open(json);
  json_object(session, &holder);
  yajl_gen_map_close(json);
  json_number(json, "slots", best->slot_count);
  json_number(json, "objects", best->object_count);
  json_number(json, "bytes", best->bytes);
  json_bool(json, "whole", best->object_count == cycle->row.object_count);
  json_bool(json, "builtin", best->builtin != 0);
  yajl_gen_map_close(json);
  return LENS_OK;
}

static lens_status cycle_json(const struct session *session, const struct cycle *cycle) {
  yajl_gen json = session->json;
  yajl_gen_map_open(json);
  lens_status status = cycle_objects_json(session, cycle);
  json_number(json, "object_count", cycle->row.object_count);
  if (status == LENS_OK) status = cycle_slots_json(session, cycle);
  json_number(json, "slot_count", cycle->opened.slot_count);
  json_number(json, "ring", cycle->opened.ring_count);
  json_number(json, "bytes", cycle->row.bytes);
  json_bool(json, "garbage", cycle->row.garbage != 0);
  json_number(json, "outside_refs", cycle->opened.outside_refs);
  if (status == LENS_OK) status = break_json(session, cycle);
  yajl_gen_map_close(json);
  return status;
}

static lens_status cycle_text(const struct session *session, const struct cycle *cycle) {
  printf("%s: %s objects, %s; %s references from elsewhere\n",
         cycle->row.garbage != 0 ? "garbage" : "live", text_number(cycle->row.object_count).text,
         text_size(cycle->row.bytes).text, text_number(cycle->opened.outside_refs).text);
  uint64_t shown =
      cycle->opened.ring_count < cycle->slot_count ? cycle->opened.ring_count : cycle->slot_count;
  for (uint64_t i = 0; i < shown; i++) {
    char text[96], value[96] = "";
    lens_object holder;
    lens_status status = lens_snapshot_object(session->target, cycle->slots[i].holder, &holder);
    if (status != LENS_OK) return status;
    slot_text(session, &cycle->slots[i], text, sizeof text);
    (void)lens_object_text(session->target, holder.address, 1, 4, value, sizeof value);
    printf("    %s %s  %s\n      %s -> %s\n", type_name(session, holder.type),
           text_address(holder.address).text, value, text,
           text_address(cycle->slots[i].ref.target).text);
  }
  if (shown < cycle->opened.ring_count)
    printf("      and %s more on the ring\n", text_number(cycle->opened.ring_count - shown).text);
  const lens_cycle_break *best = &cycle->breaks[0];
  if (cycle->break_count == 0 || best->object_count == 0) {
    puts("    No single slot lets anything of it go.");
  } else {
    printf("    If %s.%s were weak (%s references), %s of %s objects would go, %s.\n",
           type_name(session, best->type), best->name, text_number(best->slot_count).text,
           text_number(best->object_count).text, text_number(cycle->row.object_count).text,
           text_size(best->bytes).text);
  }
  return LENS_OK;
}

static void cycles_end(const struct session *session, uint64_t matched, uint64_t shown,
                       const lens_cycles_totals *totals) {
  yajl_gen json = session->json;
  if (json == NULL) {
    text_cut(shown, matched, "cycles");
    printf("%s cycles of garbage: %s objects, %s; %s live cycles: %s objects, %s.\n",
           text_number(totals->garbage_cycles).text, text_number(totals->garbage_objects).text,
           text_size(totals->garbage_bytes).text, text_number(totals->live_cycles).text,
           text_number(totals->live_objects).text, text_size(totals->live_bytes).text);
    return;
  }
  yajl_gen_array_close(json);
  json_listing_end(json, matched, shown);
  json_name(json, "garbage");
  yajl_gen_map_open(json);
  json_number(json, "cycles", totals->garbage_cycles);
  json_number(json, "objects", totals->garbage_objects);
  json_number(json, "bytes", totals->garbage_bytes);
  yajl_gen_map_close(json);
  json_name(json, "live");
  yajl_gen_map_open(json);
  json_number(json, "cycles", totals->live_cycles);
  json_number(json, "objects", totals->live_objects);
  json_number(json, "bytes", totals->live_bytes);
  yajl_gen_map_close(json);
  yajl_gen_map_close(json);
}

lens_status cycles_run(struct session *session) {
  lens_cycles_totals totals;
  lens_status status = roots_conservative(session);
  if (status == LENS_OK) status = run_steps(session->target, lens_cycles);
  if (status == LENS_OK) status = lens_cycles_totals_get(session->target, &totals);
  if (status != LENS_OK) return status;
  uint32_t wanted =
      session->options->live ? LENS_CYCLES_GARBAGE | LENS_CYCLES_LIVE : LENS_CYCLES_GARBAGE;
  uint64_t room = room_of(session, totals.garbage_cycles + totals.live_cycles), shown, matched;
  lens_cycle *rows = malloc((size_t)(room + 1) * sizeof *rows);
  struct cycle *cycle = malloc(sizeof *cycle);
  status = rows == NULL || cycle == NULL
               ? LENS_NO_MEMORY
               : lens_cycles_select(session->target, wanted, room, rows, &shown, &matched);
  if (status == LENS_OK) rows_begin(session);
  for (uint64_t i = 0; status == LENS_OK && i < shown; i++) {
    /* As text the biggest stand last. */
    cycle->row = rows[session->json != NULL ? i : shown - 1 - i];
    status = cycle_open(session, cycle);
    if (status != LENS_OK) break;
    status = session->json != NULL ? cycle_json(session, cycle) : cycle_text(session, cycle);
  }
  if (status == LENS_OK) cycles_end(session, matched, shown, &totals);
  free(rows);
  free(cycle);
  return status;
}

/* ---- retained ---- */

static lens_status retained_row(const struct session *session, const lens_object *object,
                                struct table *table) {
  uint32_t index;
  lens_retained_row row;
  lens_status status = lens_snapshot_find(session->target, object->address, &index);
  if (status == LENS_OK) status = lens_retained_object(session->target, index, &row);
  if (status != LENS_OK) return status;
  if (session->json != NULL) {
    yajl_gen_map_open(session->json);
    json_object(session, object);
    json_number(session->json, "retained_bytes", row.bytes);
    json_number(session->json, "retained_objects", row.objects);
    json_bool(session->json, "reached", row.reached != 0);
    yajl_gen_map_close(session->json);
    return LENS_OK;
  }
  char value[96] = "";
  (void)lens_object_text(session->target, object->address, 1, 4, value, sizeof value);
  table_cell(table, text_address(object->address).text);
  table_cell(table, row.reached != 0 ? text_size(row.bytes).text : "garbage");
  table_cell(table, text_number(row.objects).text);
  table_cell(table, type_name(session, object->type));
  table_cell(table, value);
  return LENS_OK;
}

static lens_status by_object(const struct session *session, uint64_t *shown, uint64_t *matched) {
  lens_filter filter = {.type_glob = session->options->type_glob,
                        .refcount_max = UINT64_MAX,
                        .size_max = UINT64_MAX,
                        .heap = LENS_NONE,
                        .sort = LENS_SORT_RETAINED};
  lens_walk_totals totals;
  lens_status status = lens_walk_totals_get(session->target, &totals);
  if (status != LENS_OK) return status;
  uint64_t room = room_of(session, totals.objects);
  lens_object *rows = malloc((size_t)(room + 1) * sizeof *rows);
  if (rows == NULL) return LENS_NO_MEMORY;
  status = lens_select(session->target, &filter, room, rows, shown, matched);
  struct table table;
  static const char *const titles[] = {"address", ">retained", ">objects", "type", "value", NULL};
  if (status == LENS_OK) rows_begin(session);
  if (status == LENS_OK && session->json == NULL) table_begin(&table, titles);
  for (uint64_t i = 0; status == LENS_OK && i < *shown; i++)
    status = retained_row(session, &rows[session->json != NULL ? i : *shown - 1 - i], &table);
  if (status == LENS_OK && session->json == NULL) table_print(&table);
  free(rows);
  return status;
}

static lens_status by_type(const struct session *session, uint64_t *shown, uint64_t *matched) {
  lens_status status = run_steps(session->target, lens_retained_types);
  if (status != LENS_OK) return status;
  uint64_t room = room_of(session, lens_type_count(session->target));
  lens_retained_type *rows = malloc((size_t)(room + 1) * sizeof *rows);
  if (rows == NULL) return LENS_NO_MEMORY;
  status = lens_retained_types_get(session->target, room, rows, shown, matched);
  struct table table;
  static const char *const titles[] = {">retained", ">objects", ">of the type",
                                       ">own",      "type",     NULL};
  if (status == LENS_OK) rows_begin(session);
  if (status == LENS_OK && session->json == NULL) table_begin(&table, titles);
  for (uint64_t i = 0; status == LENS_OK && i < *shown; i++) {
    const lens_retained_type *row = &rows[session->json != NULL ? i : *shown - 1 - i];
    if (session->json == NULL) {
      table_cell(&table, text_size(row->bytes).text);
      table_cell(&table, text_number(row->objects).text);
      table_cell(&table, text_number(row->count).text);
      table_cell(&table, text_size(row->own_bytes).text);
      table_cell(&table, type_name(session, row->type));
      continue;
    }
    yajl_gen_map_open(session->json);
    json_text(session->json, "type", type_name(session, row->type));
    json_number(session->json, "count", row->count);
    json_number(session->json, "bytes", row->own_bytes);
    json_number(session->json, "retained_bytes", row->bytes);
    json_number(session->json, "retained_objects", row->objects);
    yajl_gen_map_close(session->json);
  }
  if (status == LENS_OK && session->json == NULL) table_print(&table);
  free(rows);
  return status;
}

static void retained_end(const struct session *session, uint64_t matched, uint64_t shown,
                         const lens_retained_totals *totals) {
  yajl_gen json = session->json;
  if (json == NULL) {
    text_cut(shown, matched, strcmp(session->options->by, "type") == 0 ? "types" : "objects");
    printf("%s roots lead to %s objects, %s; %s objects, %s, are garbage.\n",
           text_number(totals->roots).text, text_number(totals->objects).text,
           text_size(totals->bytes).text, text_number(totals->lost_objects).text,
           text_size(totals->lost_bytes).text);
    return;
  }
  yajl_gen_array_close(json);
  json_listing_end(json, matched, shown);
  json_name(json, "reached");
  yajl_gen_map_open(json);
  json_number(json, "objects", totals->objects);
  json_number(json, "bytes", totals->bytes);
  yajl_gen_map_close(json);
  json_name(json, "unreached");
  yajl_gen_map_open(json);
  json_number(json, "objects", totals->lost_objects);
  json_number(json, "bytes", totals->lost_bytes);
  yajl_gen_map_close(json);
  yajl_gen_map_close(json);
}

lens_status retained_run(struct session *session) {
  lens_retained_totals totals;
  uint64_t shown = 0, matched = 0;
  lens_status status = roots_conservative(session);
  if (status == LENS_OK) status = run_steps(session->target, lens_retained);
  if (status == LENS_OK) status = lens_retained_totals_get(session->target, &totals);
  if (status != LENS_OK) return status;
  status = strcmp(session->options->by, "type") == 0 ? by_type(session, &shown, &matched)
                                                     : by_object(session, &shown, &matched);
  if (status == LENS_OK) retained_end(session, matched, shown, &totals);
  return status;
}
