/* Cycles as text: a ring, a slot a line; the slot to make weak.  As GDB's cairn cycles says it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cycle_stores.h"
#include "left.h"
#include "page.h"
#include "units.h"

enum {
  STEPS_NAMED = 6 /* of a ring, in its head line */,
  TEXT_BYTES = 96,
  OTHERS_NAMED = 3,
  PLACE_BYTES = 160
};

/* What stands between an object and the slot's name. */
static const char *slot_dot(const char *name) {
  return name[0] == '[' || name[0] == '+' || strncmp(name, "key ", 4) == 0 ? "" : ".";
}

/* The ring by types and slots: session.peer -> session.peer. */
static void print_shape(const struct session *session, const struct cycle *cycle) {
  uint64_t ring = cycle->opened.ring_count, shown = ring;
  if (shown > STEPS_NAMED) shown = STEPS_NAMED;
  if (shown > cycle->slot_count) shown = cycle->slot_count;
  for (uint64_t i = 0; i < shown; i++) {
    char text[TEXT_BYTES];
    lens_object holder;
    if (lens_snapshot_object(session->target, cycle->slots[i].holder, &holder) != LENS_OK) return;
    cycle_slot_text(session, &cycle->slots[i], text, sizeof text);
    const char *dot = slot_dot(text);
    printf("%s%s%s%s", i == 0 ? "" : " -> ", type_name(session, holder.type), dot,
           text[0] == '[' ? "[]" : text);
  }
  if (ring > shown) printf(" -> ...");
}

/* "; 2 references from outside". */
static void print_outside(const struct cycle *cycle, bool group) {
  const bool garbage = cycle->row.garbage != 0;
  const uint64_t held = cycle->opened.outside_refs;
  if (held == 0) return;
  if (group) {
    fputs(garbage ? "; held from elsewhere too" : "; held from outside", stdout);
  } else {
    printf("; %s %s", text_counted(held, "reference").text,
           garbage ? "of their counts from elsewhere" : "from outside");
  }
}

static void print_head(const struct session *session, const struct cycle *cycle, uint64_t number,
                       bool grouped) {
  const lens_cycle_group *group = &cycle->group;
  const bool many = grouped && group->cycle_count > 1;
  printf("#%" PRIu64 "  %s: ", number, cycle->row.garbage != 0 ? "garbage" : "live");
  if (many) {
    printf("%s like this: ", text_counted(group->cycle_count, "cycle").text);
    print_shape(session, cycle);
    if (group->objects_least == group->objects_most) {
      printf(", of %s each", text_counted(group->objects_most, "object").text);
    } else {
      printf(", of %s to %s", text_number(group->objects_least).text,
             text_counted(group->objects_most, "object").text);
    }
    printf(", %s", text_size(group->bytes).text);
  } else {
    printf("%s, %s", text_counted(cycle->row.object_count, "object").text,
           text_size(cycle->row.bytes).text);
  }
  print_outside(cycle, many);
  if (!grouped && group->cycle_count > 1)
    printf("; %s more like it", text_number(group->cycle_count - 1).text);
  putchar('\n');
}

/* The ring, a slot a line, and how much there is beside it. */
static lens_status print_ring(const struct session *session, const struct cycle *cycle) {
  const uint64_t ring = cycle->opened.ring_count;
  const uint64_t shown = ring < cycle->slot_count ? ring : cycle->slot_count;
  lens_object first = {.address = 0};
  for (uint64_t i = 0; i < shown; i++) {
    char text[TEXT_BYTES];
    lens_object holder, target;
    lens_status status = lens_snapshot_object(session->target, cycle->slots[i].holder, &holder);
    if (status == LENS_OK)
      status = lens_snapshot_object(session->target, cycle->slots[i].target, &target);
    if (status != LENS_OK) return status;
    if (i == 0) {
      first = holder;
      fputs("    ", stdout);
      object_short(session, &holder, 4);
      putchar('\n');
    }
    cycle_slot_text(session, &cycle->slots[i], text, sizeof text);
    printf("      %s%s%s -> ", slot_dot(text), text,
           cycle->slots[i].ref.kind == LENS_REF_STRONG ? "" : " (opaque)");
    if (target.address == first.address) {
      printf("%s %s, the first one", type_name(session, target.type),
             text_address(target.address).text);
    } else {
      object_short(session, &target, text_cells(text) + 11);
    }
    putchar('\n');
  }
  if (shown < ring) printf("      ... %s more on the ring\n", text_number(ring - shown).text);
  const uint64_t beside = cycle->row.object_count - ring, slots = cycle->opened.slot_count - ring;
  if (beside != 0 || slots != 0)
    say("      and %s%s%s between them beside this shortest ring",
        beside != 0 ? text_counted(beside, "object").text : "", beside != 0 ? " and " : "",
        text_counted(slots, "reference").text);
  return LENS_OK;
}

/* ---- which slot to make weak, and what then goes ---- */

/* `session.peer`, `dict["k"] (keys)`. */
static void put_slot(const struct session *session, const lens_cycle_break *row, FILE *out) {
  lens_type type;
  const bool known = lens_type_get(session->target, row->type, &type) == LENS_OK;
  const bool table =
      known && (strcmp(type.display, "dict") == 0 || strcmp(type.display, "set") == 0);
  (void)fprintf(out, "%s%s%s%s", type_name(session, row->type), slot_dot(row->name), row->name,
                table && row->part == 0 ? " (keys)" : "");
}

/* The slots that would do as well; one that owns is none of them, where another does not. */
static void put_others(const struct session *session, const struct cycle *cycle, bool owners,
                       FILE *out) {
  const lens_cycle_break *best = cycle->best;
  uint64_t count = 0;
  if (owners && best->owner != 0) return;
  for (uint64_t i = 0; i < cycle->break_count; i++) {
    const lens_cycle_break *row = &cycle->breaks[i];
    const bool wanted = owners ? row->owner != 0 : row->owner == best->owner;
    if (row == best || row->tried == 0 || row->object_count != best->object_count || !wanted)
      continue;
    if (count++ >= OTHERS_NAMED) continue;
    (void)fputs(count > 1 ? ", " : owners ? "  (" : "  So would it with ", out);
    put_slot(session, row, out);
  }
  if (count != 0 && owners) {
    (void)fputs(count == 1 ? " owns what it holds.)" : " own what they hold.)", out);
  } else if (count != 0) {
    if (count > OTHERS_NAMED)
      (void)fprintf(out, " or %s more", text_number(count - OTHERS_NAMED).text);
    (void)fputc('.', out);
  }
}

static void put_advice(const struct session *session, const struct cycle *cycle, FILE *out) {
  const lens_cycle_break *best = cycle->best;
  if (best == NULL) {
    (void)fputs("No declared slot is part of it: only words of opaque objects are.", out);
    return;
  }
  if (best->object_count == 0) {
    (void)fputs("No single slot lets anything go: each object is in several rings.", out);
    return;
  }
  const bool whole = best->object_count >= cycle->row.object_count;
  (void)fputs(whole ? "If " : "No single slot lets all go.  If ", out);
  put_slot(session, best, out);
  (void)fputs(best->builtin != 0 ? " held a weakref or nothing" : " were weak", out);
  if (best->slot_count > 1)
    (void)fprintf(out, " (%s references)", text_number(best->slot_count).text);
  if (!whole) {
    (void)fprintf(out, ", %s would, %s.", text_counted(best->object_count, "object").text,
                  text_size(best->bytes).text);
    return;
  }
  const char *group = cycle->whole_group ? ", and all that are like it" : " (of this one)";
  (void)fprintf(out, ", all of it would go%s.", cycle->group.cycle_count > 1 ? group : "");
  put_others(session, cycle, false, out);
  put_others(session, cycle, true, out);
}

static void put_store(const struct session *session, const struct cycle *cycle,
                      const struct cycle_store *store, FILE *out) {
  char place[PLACE_BYTES];
  caller_text(session, store->caller, place, sizeof place);
  put_slot(session, cycle->best, out);
  (void)fprintf(out, " of this ring was %sstored at %s (%s",
                cycle->best->slot_count > 1 ? "last " : "", place, left_sureness(store->sureness));
  for (uint32_t i = 0; i < store->other_count && i < OTHERS_NAMED; i++) {
    caller_text(session, store->others[i], place, sizeof place);
    (void)fprintf(out, "%s%s", i == 0 ? "; or at " : ", ", place);
  }
  (void)fputs(").", out);
}

static lens_status print_advice(const struct session *session, const struct cycle *cycle,
                                bool tracked) {
  struct cycle_store store = {.known = false};
  lens_status status = tracked ? cycle_store_of(session, cycle, &store) : LENS_OK;
  char *text = NULL;
  size_t bytes;
  FILE *out = status == LENS_OK ? open_memstream(&text, &bytes) : NULL;
  if (out == NULL) return status == LENS_OK ? LENS_NO_MEMORY : status;
  (void)fputs("    ", out);
  put_advice(session, cycle, out);
  if (cycle->opened.untried != 0)
    (void)fprintf(out, "  (%s with fewer references not tried)",
                  text_counted(cycle->opened.untried, "slot").text);
  if (store.known) {
    (void)fputs("\n    ", out);
    put_store(session, cycle, &store, out);
  }
  const bool written = fclose(out) == 0 && text != NULL;
  if (written) {
    char *second = strchr(text, '\n');
    if (second != NULL) *second++ = 0;
    say_text(text);
    if (second != NULL) say_text(second);
  }
  free(text);
  return written ? LENS_OK : LENS_NO_MEMORY;
}

lens_status cycle_text(const struct session *session, const struct cycle *cycle, uint64_t number,
                       const struct cycles *cycles) {
  print_head(session, cycle, number, cycles->grouped);
  lens_status status = print_ring(session, cycle);
  if (status == LENS_OK)
    status = print_advice(session, cycle, cycles->tracked && number <= STORES_MAX);
  return status;
}

/* ---- below all of them ---- */

static void print_next(const struct session *session, const struct cycles *cycles) {
  lens_object object;
  uint64_t written = 0, total = 0;
  uint32_t first = 0;
  if (lens_cycle_objects(session->target, cycles->rows[0].cycle, 0, 1, &first, &written, &total) !=
          LENS_OK ||
      written == 0 || lens_snapshot_object(session->target, first, &object) != LENS_OK)
    return;
  say("Next: %sshow 0x%" PRIx64 ", referrers 0x%" PRIx64 ", collect",
      cycles->grouped ? "cycles -all, " : "", object.address, object.address);
}

void cycles_end_text(const struct session *session, const struct cycles *cycles) {
  const lens_cycles_totals *totals = &cycles->totals;
  if (cycles->answer[0] != 0) {
    say_text(cycles->answer);
    return;
  }
  text_cut(cycles->shown, cycles->matched, cycles->grouped ? "kinds of cycles" : "cycles");
  const bool more = totals->live_cycles != 0 && !session->options->live;
  char garbage[256] = "No cycle is garbage", live[256] = "No live cycle";
  if (totals->garbage_cycles != 0)
    (void)snprintf(garbage, sizeof garbage, "%s of garbage: %s, %s",
                   text_counted(totals->garbage_cycles, "cycle").text,
                   text_counted(totals->garbage_objects, "object").text,
                   text_size(totals->garbage_bytes).text);
  if (totals->live_cycles != 0)
    (void)snprintf(
        live, sizeof live, "%s: %s, %s", text_counted(totals->live_cycles, "live cycle").text,
        text_counted(totals->live_objects, "object").text, text_size(totals->live_bytes).text);
  say("%s.  %s%s", garbage, live, more ? "; -live lists them." : ".");
  if (cycles->shown == 0) return;
  if (!cycles->tracked) say("CAIRN_TRACK=sites,events names the places that stored these.");
  print_next(session, cycles);
}
