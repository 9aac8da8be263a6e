/* cycles: which objects hold each other, and which slot would part them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cycle_stores.h"
#include "left.h"

enum { SLICE_MS = 50 };

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

/* Which cycles are like it, and whether the best slot parts them all. */
static lens_status group_of(const struct session *session, struct cycle *cycle) {
  uint32_t number, parted = 0;
  const lens_cycle_break *best = cycle->best;
  lens_status status = lens_cycle_group_of(session->target, cycle->row.cycle, &number);
  if (status == LENS_OK) status = lens_cycle_group_get(session->target, number, &cycle->group);
  if (status == LENS_OK && best != NULL)
    status = lens_cycle_group_parted(session->target, number, best->type, best->slot, best->part,
                                     &parted);
  cycle->whole_group = parted != 0;
  return status;
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
  cycle->best = NULL;
  for (uint64_t i = 0; i < cycle->break_count && cycle->best == NULL; i++)
    cycle->best = breaks[i].tried != 0 ? &breaks[i] : NULL;
  return status == LENS_OK ? group_of(session, cycle) : status;
}

void cycle_slot_text(const struct session *session, const lens_cycle_slot *slot, char *out,
                     size_t bytes) {
  lens_object holder;
  out[0] = 0;
  if (lens_snapshot_object(session->target, slot->holder, &holder) != LENS_OK ||
      lens_ref_text(session->target, holder.address, &slot->ref, out, bytes) != LENS_OK)
    (void)snprintf(out, bytes, "?");
}

static lens_status cycle_object_json(const struct session *session, uint32_t index) {
  lens_object object;
  lens_status status = lens_snapshot_object(session->target, index, &object);
  if (status != LENS_OK) return status;
  yajl_gen_map_open(session->json);
  json_object(session, &object);
  yajl_gen_map_close(session->json);
  return LENS_OK;
}

static int by_index(const void *a, const void *b) {
  uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
  return left < right ? -1 : left > right;
}

/* First those of the ring, in its order, then others. */
static lens_status cycle_objects_json(const struct session *session, const struct cycle *cycle) {
  const uint64_t most = members_shown(session, cycle);
  const uint64_t ring =
      cycle->opened.ring_count < cycle->slot_count ? cycle->opened.ring_count : cycle->slot_count;
  uint64_t count = 0, total = 0, shown = 0;
  uint32_t *on_ring = malloc((size_t)(ring + 1) * sizeof *on_ring);
  lens_status status = on_ring == NULL ? LENS_NO_MEMORY
                                       : lens_cycle_objects(session->target, cycle->row.cycle, 0,
                                                            most, cycle->objects, &count, &total);
  json_name(session->json, "objects");
  yajl_gen_array_open(session->json);
  for (uint64_t i = 0; status == LENS_OK && i < ring; i++) {
    on_ring[i] = cycle->slots[i].holder;
    if (shown++ < most) status = cycle_object_json(session, on_ring[i]);
  }
  if (status == LENS_OK && ring != 0) qsort(on_ring, (size_t)ring, sizeof *on_ring, by_index);
  for (uint64_t i = 0; status == LENS_OK && i < count && shown < most; i++) {
    const uint32_t index = cycle->objects[i];
    if (ring != 0 && bsearch(&index, on_ring, (size_t)ring, sizeof index, by_index) != NULL)
      continue;
    status = cycle_object_json(session, index);
    shown++;
  }
  yajl_gen_array_close(session->json);
  free(on_ring);
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
    cycle_slot_text(session, &cycle->slots[i], text, sizeof text);
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

static void store_json(const struct session *session, const struct cycle_store *store) {
  yajl_gen json = session->json;
  json_caller(session, "site", store->caller);
  json_text(json, "confidence", left_sureness(store->sureness));
  json_name(json, "stored");
  yajl_gen_map_open(json);
  json_address(json, "holder", store->holder);
  json_address(json, "target", store->target);
  yajl_gen_map_close(json);
  if (store->other_count == 0) return;
  json_name(json, "or");
  yajl_gen_array_open(json);
  for (uint32_t i = 0; i < store->other_count; i++) json_caller(session, NULL, store->others[i]);
  yajl_gen_array_close(json);
}

/* `best`: of the best one, who stored it; else NULL. */
static lens_status break_json(const struct session *session, const struct cycle *cycle,
                              const lens_cycle_break *row, const struct cycle_store *best) {
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
  json_bare_object(session, &holder);
  yajl_gen_map_close(json);
  json_number(json, "slots", row->slot_count);
  json_number(json, "objects", row->object_count);
  json_number(json, "bytes", row->bytes);
  json_flag(json, "whole", row->object_count == cycle->row.object_count);
  json_flag(json, "builtin", row->builtin != 0);
  json_flag(json, "owner", row->owner != 0);
  if (best != NULL) json_flag(json, "whole_group", cycle->whole_group);
  if (best != NULL && best->known) store_json(session, best);
  if (table && row->part == 0) json_text(json, "part", "key");
  yajl_gen_map_close(json);
  return LENS_OK;
}

/* The best slot to make weak, and all that were tried. */
static lens_status breaks_json(const struct session *session, const struct cycle *cycle,
                               bool tracked) {
  yajl_gen json = session->json;
  struct cycle_store store = {.known = false};
  lens_status status = tracked ? cycle_store_of(session, cycle, &store) : LENS_OK;
  json_name(json, "break");
  if (cycle->best != NULL) {
    if (status == LENS_OK) status = break_json(session, cycle, cycle->best, &store);
  } else {
    yajl_gen_null(json);
  }
  json_name(json, "breaks");
  yajl_gen_array_open(json);
  for (uint64_t i = 0; status == LENS_OK && i < cycle->break_count; i++) {
    if (cycle->breaks[i].tried != 0) status = break_json(session, cycle, &cycle->breaks[i], NULL);
  }
  yajl_gen_array_close(json);
  json_number(json, "breaks_untried", cycle->opened.untried);
  return status;
}

static lens_status cycle_json(const struct session *session, const struct cycle *cycle,
                              bool tracked) {
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
  json_number(json, "group", cycle->group.group);
  json_number(json, "alike", cycle->group.cycle_count);
  if (status == LENS_OK) status = breaks_json(session, cycle, tracked);
  yajl_gen_map_close(json);
  return status;
}

static void cycles_end_json(const struct session *session, const struct cycles *cycles) {
  const lens_cycles_totals *totals = &cycles->totals;
  yajl_gen json = session->json;
  yajl_gen_array_close(json);
  json_listing_end(json, cycles->matched, cycles->shown);
  json_sums(json, "garbage", "cycles", totals->garbage_cycles, totals->garbage_objects,
            totals->garbage_bytes);
  json_sums(json, "live", "cycles", totals->live_cycles, totals->live_objects, totals->live_bytes);
  if (cycles->answer[0] != 0) json_text(json, "answer", cycles->answer);
  yajl_gen_map_close(json);
}

/* ---- which cycles ---- */

static lens_status put_in_groups(const struct session *session, uint32_t wanted) {
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_cycles_group(session->target, wanted, SLICE_MS, NULL);
  return status;
}

/* The cycle of the object that was asked of, with -all those like it. */
static lens_status choose_one(const struct session *session, struct cycles *cycles) {
  lens *target = session->target;
  lens_object object;
  uint32_t index, number, group;
  lens_status status = find_object(session, &object);
  if (status == LENS_OK) status = lens_snapshot_find(target, object.address, &index);
  if (status != LENS_OK) return status;
  status = lens_cycle_of(target, index, &number);
  if (status == LENS_NOT_FOUND) {
    (void)snprintf(cycles->answer, sizeof cycles->answer,
                   "%.64s 0x%" PRIx64 " is in no cycle: nothing that it holds leads back to it.",
                   type_name(session, object.type), object.address);
    return LENS_OK;
  }
  if (status == LENS_OK) status = put_in_groups(session, LENS_CYCLES_GARBAGE | LENS_CYCLES_LIVE);
  if (status == LENS_OK && !session->options->every) {
    cycles->shown = cycles->matched = 1;
    return lens_cycle_get(target, number, &cycles->rows[0]);
  }
  if (status == LENS_OK) status = lens_cycle_group_of(target, number, &group);
  if (status != LENS_OK) return status;
  uint64_t room = rows_room(session, cycles->totals.garbage_cycles + cycles->totals.live_cycles);
  return lens_cycle_group_cycles(target, group, room, cycles->rows, &cycles->shown,
                                 &cycles->matched);
}

/* Of each group of cycles that are alike the largest one. */
static lens_status choose_groups(const struct session *session, uint64_t room,
                                 struct cycles *cycles) {
  lens_cycle_group *groups = malloc((size_t)(room + 1) * sizeof *groups);
  if (groups == NULL) return LENS_NO_MEMORY;
  lens_status status =
      lens_cycle_groups(session->target, room, groups, &cycles->shown, &cycles->matched);
  for (uint64_t i = 0; status == LENS_OK && i < cycles->shown; i++)
    status = lens_cycle_get(session->target, groups[i].cycle, &cycles->rows[i]);
  free(groups);
  return status;
}

static lens_status choose(const struct session *session, struct cycles *cycles) {
  const struct options *options = session->options;
  uint32_t wanted = options->live ? LENS_CYCLES_GARBAGE | LENS_CYCLES_LIVE : LENS_CYCLES_GARBAGE;
  uint64_t room = rows_room(session, cycles->totals.garbage_cycles + cycles->totals.live_cycles);
  cycles->rows = malloc((size_t)(room + 1) * sizeof *cycles->rows);
  if (cycles->rows == NULL) return LENS_NO_MEMORY;
  if (options->has_address) return choose_one(session, cycles);
  lens_status status = put_in_groups(session, wanted);
  if (status != LENS_OK) return status;
  cycles->grouped = session->json == NULL && !options->every;
  if (cycles->grouped) return choose_groups(session, room, cycles);
  return lens_cycles_select(session->target, wanted, room, cycles->rows, &cycles->shown,
                            &cycles->matched);
}

static lens_status show(const struct session *session, const struct cycles *cycles) {
  struct cycle *cycle = calloc(1, sizeof *cycle);
  lens_status status = cycle == NULL ? LENS_NO_MEMORY : LENS_OK;
  if (status == LENS_OK) rows_begin(session);
  for (uint64_t i = 0; status == LENS_OK && i < cycles->shown; i++) {
    /* As text the biggest stand last. */
    const uint64_t at = session->json != NULL ? i : cycles->shown - 1 - i;
    cycle->row = cycles->rows[at];
    status = cycle_open(session, cycle);
    if (status != LENS_OK) break;
    status = session->json != NULL ? cycle_json(session, cycle, cycles->tracked && at < STORES_MAX)
                                   : cycle_text(session, cycle, at + 1, cycles);
  }
  if (cycle != NULL) {
    free(cycle->breaks);
    free(cycle->slots);
    free(cycle->objects);
  }
  free(cycle);
  return status;
}

lens_status cycles_run(struct session *session) {
  struct cycles cycles = {0};
  lens_status status = roots_guess(session);
  if (status == LENS_OK) status = run_steps(session->target, lens_cycles);
  if (status == LENS_OK) status = lens_cycles_totals_get(session->target, &cycles.totals);
  if (status == LENS_OK) status = choose(session, &cycles);
  if (status == LENS_OK && cycles.shown != 0)
    status = left_prepare(session, NULL, false, &cycles.tracked);
  if (status == LENS_OK && cycles.tracked && cycles.shown > STORES_MAX)
    session_note(session, "which line stored a reference was looked for in the first 1,000 rows");
  if (status == LENS_OK) status = show(session, &cycles);
  if (status == LENS_OK && session->json != NULL) cycles_end_json(session, &cycles);
  if (status == LENS_OK && session->json == NULL) cycles_end_text(session, &cycles);
  free(cycles.rows);
  return status;
}
