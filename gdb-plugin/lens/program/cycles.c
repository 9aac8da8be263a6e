/* cycles: which objects hold each other, and which slot would part them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "table.h"
#include "units.h"

enum { SLICE_MS = 50 };

/* ---- cycles ---- */

struct cycle {
  lens_cycle row;
  lens_cycle_opened opened;
  lens_cycle_slot *slots; /* room for as many as are shown */
  uint32_t *objects;      /* the same */
  uint64_t room;
  lens_cycle_break *breaks;
  uint64_t slot_count, break_count; /* that are in hand */
};

/* Room for the objects and slots of the cycle that are shown. */
static lens_status cycle_reserve(const struct session *session, struct cycle *cycle) {
  uint64_t most = cycle->opened.slot_count > cycle->row.object_count ? cycle->opened.slot_count
                                                                     : cycle->row.object_count;
  uint64_t shown = session->options->objects;
  if (shown == 0 || shown > most) shown = most;
  if (shown <= cycle->room) return LENS_OK;
  lens_cycle_slot *slots = realloc(cycle->slots, shown * sizeof *slots);
  if (slots != NULL) cycle->slots = slots;
  uint32_t *objects = realloc(cycle->objects, shown * sizeof *objects);
  if (objects != NULL) cycle->objects = objects;
  if (slots == NULL || objects == NULL) return LENS_NO_MEMORY;
  cycle->room = shown;
  return LENS_OK;
}

/* How many of so many of them are shown. */
static uint64_t members_shown(const struct session *session, const struct cycle *cycle) {
  uint64_t shown = session->options->objects;
  return shown == 0 || shown > cycle->room ? cycle->room : shown;
}

static lens_status cycle_open(const struct session *session, struct cycle *cycle) {
  lens *target = session->target;
  uint64_t total;
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_cycle_open(target, cycle->row.cycle, SLICE_MS, NULL);
  if (status == LENS_OK) status = lens_cycle_opened_get(target, &cycle->opened);
  if (status == LENS_OK) status = cycle_reserve(session, cycle);
  if (status == LENS_OK)
    status = lens_cycle_slots(target, members_shown(session, cycle), cycle->slots,
                              &cycle->slot_count, &total);
  if (status == LENS_OK) status = lens_cycle_breaks(target, 0, NULL, &cycle->break_count, &total);
  if (status != LENS_OK) return status;
  lens_cycle_break *breaks = realloc(cycle->breaks, (size_t)(total + 1) * sizeof *breaks);
  if (breaks == NULL) return LENS_NO_MEMORY;
  cycle->breaks = breaks;
  status = lens_cycle_breaks(target, total, breaks, &cycle->break_count, &total);
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
  uint64_t count = 0, total = 0;
  lens_status status =
      lens_cycle_objects(session->target, cycle->row.cycle, 0, members_shown(session, cycle),
                         cycle->objects, &count, &total);
  json_name(session->json, "objects");
  yajl_gen_array_open(session->json);
  for (uint64_t i = 0; status == LENS_OK && i < count; i++) {
    lens_object object;
    status = lens_snapshot_object(session->target, cycle->objects[i], &object);
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
    lens_object holder, target;
    lens_status status = lens_snapshot_object(session->target, cycle->slots[i].holder, &holder);
    if (status == LENS_OK)
      status = lens_snapshot_object(session->target, cycle->slots[i].target, &target);
    if (status != LENS_OK) return status;
    slot_text(session, &cycle->slots[i], text, sizeof text);
    yajl_gen_map_open(session->json);
    json_address(session->json, "holder", holder.address);
    json_text(session->json, "holder_type", type_name(session, holder.type));
    json_text(session->json, "slot", text);
    json_text(session->json, "kind",
              cycle->slots[i].ref.kind == LENS_REF_STRONG ? "strong" : "opaque");
    json_address(session->json, "target", target.address);
    json_text(session->json, "target_type", type_name(session, target.type));
    yajl_gen_map_close(session->json);
  }
  yajl_gen_array_close(session->json);
  return LENS_OK;
}

static lens_status break_json(const struct session *session, const struct cycle *cycle,
                              const lens_cycle_break *row) {
  yajl_gen json = session->json;
  lens_object holder;
  lens_type type;
  lens_status status = lens_snapshot_object(session->target, row->holder, &holder);
  if (status == LENS_OK) status = lens_type_get(session->target, row->type, &type);
  if (status != LENS_OK) return status;
  bool table = strcmp(type.display, "dict") == 0 || strcmp(type.display, "set") == 0;
  yajl_gen_map_open(json);
  json_text(json, "type", type.name);
  json_text(json, "slot", row->name);
  json_name(json, "holder");
  yajl_gen_map_open(json);
  json_object(session, &holder);
  yajl_gen_map_close(json);
  json_number(json, "slots", row->slot_count);
  json_number(json, "objects", row->object_count);
  json_number(json, "bytes", row->bytes);
  json_flag(json, "whole", row->object_count == cycle->row.object_count);
  json_flag(json, "builtin", row->builtin != 0);
  if (table && row->part == 0) json_text(json, "part", "key");
  yajl_gen_map_close(json);
  return LENS_OK;
}

/* The best slot to make weak, and all that were tried. */
static lens_status breaks_json(const struct session *session, const struct cycle *cycle) {
  yajl_gen json = session->json;
  lens_status status = LENS_OK;
  bool best = true;
  json_name(json, "break");
  for (uint64_t i = 0; status == LENS_OK && best && i < cycle->break_count; i++) {
    if (cycle->breaks[i].tried == 0) continue;
    status = break_json(session, cycle, &cycle->breaks[i]);
    best = false;
  }
  if (best) yajl_gen_null(json);
  json_name(json, "breaks");
  yajl_gen_array_open(json);
  for (uint64_t i = 0; status == LENS_OK && i < cycle->break_count; i++) {
    if (cycle->breaks[i].tried != 0) status = break_json(session, cycle, &cycle->breaks[i]);
  }
  yajl_gen_array_close(json);
  json_number(json, "breaks_untried", cycle->opened.untried);
  return status;
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
  json_flag(json, "garbage", cycle->row.garbage != 0);
  json_number(json, "outside_refs", cycle->opened.outside_refs);
  if (status == LENS_OK) status = breaks_json(session, cycle);
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
  json_sums(json, "garbage", "cycles", totals->garbage_cycles, totals->garbage_objects,
            totals->garbage_bytes);
  json_sums(json, "live", "cycles", totals->live_cycles, totals->live_objects, totals->live_bytes);
  yajl_gen_map_close(json);
}

lens_status cycles_run(struct session *session) {
  lens_cycles_totals totals;
  lens_status status = roots_guess(session);
  if (status == LENS_OK) status = run_steps(session->target, lens_cycles);
  if (status == LENS_OK) status = lens_cycles_totals_get(session->target, &totals);
  if (status != LENS_OK) return status;
  uint32_t wanted =
      session->options->live ? LENS_CYCLES_GARBAGE | LENS_CYCLES_LIVE : LENS_CYCLES_GARBAGE;
  uint64_t room = rows_room(session, totals.garbage_cycles + totals.live_cycles), shown, matched;
  lens_cycle *rows = malloc((size_t)(room + 1) * sizeof *rows);
  struct cycle *cycle = calloc(1, sizeof *cycle);
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
  if (cycle != NULL) {
    free(cycle->breaks);
    free(cycle->slots);
    free(cycle->objects);
  }
  free(cycle);
  return status;
}
