/* Cycles as text: a ring, a slot a line; the slot to make weak.  As GDB's cairn cycles says it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cycles.h"
#include "table.h"
#include "units.h"

enum { STEPS_NAMED = 6 /* of a ring, in its head line */, TEXT_BYTES = 96 };

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
    const char *dot = text[0] == '[' || text[0] == '+' || strncmp(text, "key ", 4) == 0 ? "" : ".";
    printf("%s%s%s%s", i == 0 ? "" : " -> ", type_name(session, holder.type), dot,
           text[0] == '[' ? "[]" : text);
  }
  if (ring > shown) printf(" -> ...");
}

static void print_head(const struct session *session, const struct cycle *cycle, bool grouped) {
  const lens_cycle_group *group = &cycle->group;
  printf("%s: ", cycle->row.garbage != 0 ? "garbage" : "live");
  if (grouped && group->cycle_count > 1) {
    printf("%s cycles like this: ", text_number(group->cycle_count).text);
    print_shape(session, cycle);
    if (group->objects_least == group->objects_most) {
      printf(", of %s objects each", text_number(group->objects_most).text);
    } else {
      printf(", of %s to %s objects", text_number(group->objects_least).text,
             text_number(group->objects_most).text);
    }
    printf(", %s%s\n", text_size(group->bytes).text,
           cycle->opened.outside_refs != 0 ? "; held from elsewhere too" : "");
    return;
  }
  printf("%s objects, %s; %s references from elsewhere", text_number(cycle->row.object_count).text,
         text_size(cycle->row.bytes).text, text_number(cycle->opened.outside_refs).text);
  if (!grouped && group->cycle_count > 1)
    printf("; %s more like it", text_number(group->cycle_count - 1).text);
  puts("");
}

static lens_status print_ring(const struct session *session, const struct cycle *cycle) {
  uint64_t shown =
      cycle->opened.ring_count < cycle->slot_count ? cycle->opened.ring_count : cycle->slot_count;
  for (uint64_t i = 0; i < shown; i++) {
    char text[TEXT_BYTES], value[LENS_VALUE_BYTES] = "";
    lens_object holder;
    lens_status status = lens_snapshot_object(session->target, cycle->slots[i].holder, &holder);
    if (status != LENS_OK) return status;
    cycle_slot_text(session, &cycle->slots[i], text, sizeof text);
    object_value(session, holder.address, value);
    printf("    %s %s  %s\n      %s -> %s\n", type_name(session, holder.type),
           text_address(holder.address).text, value, text,
           text_address(cycle->slots[i].ref.target).text);
  }
  if (shown < cycle->opened.ring_count)
    printf("      and %s more on the ring\n", text_number(cycle->opened.ring_count - shown).text);
  return LENS_OK;
}

/* Which slot to make weak, and what then goes. */
static void print_advice(const struct session *session, const struct cycle *cycle) {
  const lens_cycle_break *best = cycle->best;
  if (best == NULL) {
    puts("    No declared slot is part of it: only words of opaque objects are.");
    return;
  }
  if (best->object_count == 0) {
    puts("    No single slot lets anything of it go.");
    return;
  }
  printf("    If %s.%s were weak", type_name(session, best->type), best->name);
  if (best->slot_count > 1) printf(" (%s references)", text_number(best->slot_count).text);
  printf(", ");
  if (best->object_count < cycle->row.object_count) {
    printf("%s of %s objects would go, %s.\n", text_number(best->object_count).text,
           text_number(cycle->row.object_count).text, text_size(best->bytes).text);
    return;
  }
  const char *others = cycle->whole_group ? ", and all that are like it" : " (of this one)";
  printf("all of it would go%s.\n", cycle->group.cycle_count > 1 ? others : "");
}

lens_status cycle_text(const struct session *session, const struct cycle *cycle, bool grouped) {
  print_head(session, cycle, grouped);
  lens_status status = print_ring(session, cycle);
  if (status == LENS_OK) print_advice(session, cycle);
  return status;
}

void cycles_end_text(const struct session *session, const struct cycles *cycles) {
  const lens_cycles_totals *totals = &cycles->totals;
  if (cycles->answer[0] != 0) {
    puts(cycles->answer);
    return;
  }
  text_cut(cycles->shown, cycles->matched, cycles->grouped ? "kinds of cycles" : "cycles");
  bool more = totals->live_cycles != 0 && !session->options->live;
  printf("%s cycles of garbage: %s objects, %s; %s live cycles: %s objects, %s%s\n",
         text_number(totals->garbage_cycles).text, text_number(totals->garbage_objects).text,
         text_size(totals->garbage_bytes).text, text_number(totals->live_cycles).text,
         text_number(totals->live_objects).text, text_size(totals->live_bytes).text,
         more ? "; -live lists them." : ".");
}
