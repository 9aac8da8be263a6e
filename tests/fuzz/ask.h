/* Everything that a lens answers, asked of a target that may be anything.
 *
 * The answers are not looked at: what is tested is that each comes, in bounded time and memory.
 */
#ifndef FUZZ_ASK_H
#define FUZZ_ASK_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lens.h"

enum { ASK_SLICE_MS = 50, ASK_SLICES_MAX = 400, ASK_BLOCKS = 64 };

/* One more slice of a pass?  What a few bytes keep busy for so long would never end. */
static inline bool ask_again(lens_status status, int *slices) {
  if (status != LENS_AGAIN) return false;
  if (++*slices < ASK_SLICES_MAX) return true;
  (void)fprintf(stderr, "a pass does not end\n");
  abort();
}

static inline void ask_object(lens *self, uint64_t address) {
  char text[200];
  lens_ref refs[16];
  lens_field fields[8];
  uint64_t written = 0;
  uint64_t total = 0;
  (void)lens_object_text(self, address, 3, 6, text, sizeof text);
  (void)lens_object_fields(self, address, 0, 8, fields, &written, &total);
  written = 0;
  (void)lens_object_refs(self, address, 0, 16, refs, &written, &total);
  for (uint64_t i = 0; i < written; i++) {
    (void)lens_ref_text(self, address, &refs[i], text, sizeof text);
  }
}

/* The first blocks of each page, whatever is in them. */
static inline void ask_blocks(lens *self) {
  uint64_t left = ASK_BLOCKS;
  for (uint64_t a = 0; a < lens_arena_count(self); a++) {
    lens_arena arena;
    if (lens_arena_get(self, a, &arena) != LENS_OK) return;
    for (uint64_t p = 0; p < arena.page_count && left > 0; p++) {
      lens_page page;
      if (lens_page_get(self, a, p, &page) != LENS_OK) return;
      for (uint64_t b = 0; b < page.block_count && b < 16 && left > 0; b++, left--) {
        lens_location location;
        lens_track track;
        (void)lens_locate(self, page.address + b * page.block_bytes + 1, &location);
        (void)lens_track_at(self, page.address + b * page.block_bytes, &track);
        ask_object(self, page.address + b * page.block_bytes);
      }
    }
  }
}

/* What each heap tracked, and what was in the blocks. */
static inline void ask_tracking(lens *self) {
  lens_event events[16];
  lens_site sites[8];
  lens_track rows[16];
  lens_track track;
  uint64_t written = 0;
  uint64_t total = 0;
  for (uint64_t heap = 0; heap < lens_heap_count(self) && heap < 8; heap++) {
    lens_tracking tracking;
    (void)lens_tracking_get(self, heap, &tracking);
    for (uint32_t newest_first = 0; newest_first < 2; newest_first++) {
      (void)lens_events(self, heap, 0, 0, newest_first, 1, 16, events, &written, &total);
    }
    (void)lens_sites(self, heap, 0, 8, sites, &written, &total);
    written = 0;
    (void)lens_quarantine(self, heap, 0, 16, rows, &written, &total);
    for (uint64_t i = 0; i < written; i++) (void)lens_track_at(self, rows[i].base + 8, &track);
  }
}

typedef lens_status (*ask_step)(lens *self, uint32_t slice_ms, lens_progress *progress);

static inline bool ask_whole(lens *self, ask_step step) {
  lens_status status;
  lens_progress progress;
  int slices = 0;
  do status = step(self, ASK_SLICE_MS, &progress);
  while (ask_again(status, &slices));
  return status == LENS_OK;
}

static inline void ask_graph(lens *self) {
  lens_cycle cycles[4];
  uint32_t objects[8];
  uint64_t written = 0;
  uint64_t total = 0;
  if (ask_whole(self, lens_cycles)) {
    (void)lens_cycles_select(self, LENS_CYCLES_GARBAGE | LENS_CYCLES_LIVE, 4, cycles, &written,
                             &total);
    for (uint64_t i = 0; i < written; i++) {
      uint64_t members = 0;
      lens_cycle_slot slots[8];
      lens_cycle_break breaks[8];
      (void)lens_cycle_objects(self, cycles[i].cycle, 0, 8, objects, &members, &total);
      lens_status status;
      int slices = 0;
      do status = lens_cycle_open(self, cycles[i].cycle, ASK_SLICE_MS, NULL);
      while (ask_again(status, &slices));
      if (status != LENS_OK) continue;
      (void)lens_cycle_slots(self, 8, slots, &members, &total);
      (void)lens_cycle_breaks(self, 8, breaks, &members, &total);
    }
  }
}

static inline void ask_retained(lens *self) {
  lens_retained_type types[4];
  lens_retained_root roots[4];
  lens_retained_row row;
  uint32_t objects[4];
  uint64_t written = 0;
  uint64_t total = 0;
  if (!ask_whole(self, lens_retained)) return;
  (void)lens_retained_roots(self, 4, roots, &written, &total);
  (void)lens_retained_under(self, 0, 4, objects, &written, &total);
  (void)lens_retained_object(self, 0, &row);
  if (ask_whole(self, lens_retained_types))
    (void)lens_retained_types_get(self, 4, types, &written, &total);
}

/* What is taken of a target can be compared. */
static inline void ask_moment(lens *self) {
  lens_moment *moment = NULL;
  lens_diff *diff = NULL;
  lens_status status;
  int slices = 0;
  do status = lens_moment_take(self, ASK_SLICE_MS, NULL, &moment);
  while (ask_again(status, &slices));
  if (status != LENS_OK) return;
  if (lens_diff_new(moment, moment, NULL, 4, &diff) == LENS_OK) {
    do status = lens_diff_step(diff, ASK_SLICE_MS, NULL);
    while (ask_again(status, &slices));
  }
  lens_diff_free(diff);
  lens_moment_free(moment);
}

static inline lens_status ask_collect(lens *self, uint32_t slice_ms, lens_progress *progress) {
  return lens_collect(self, LENS_NONE, 0, slice_ms, progress);
}
static inline lens_status ask_local(lens *self, uint32_t slice_ms, lens_progress *progress) {
  return lens_collect(self, 0, 1, slice_ms, progress);
}
static inline lens_status ask_ways(lens *self, uint32_t slice_ms, lens_progress *progress) {
  return lens_paths(self, 0, 20, 0, slice_ms, progress);
}
static inline lens_status ask_soft_ways(lens *self, uint32_t slice_ms, lens_progress *progress) {
  return lens_paths(self, 0, 20, 1, slice_ms, progress);
}

/* What is garbage, and why the first object lives. */
static inline void ask_why(lens *self) {
  lens_leak leaks[8];
  lens_collect_row collected[8];
  lens_way way;
  uint32_t objects[64];
  uint64_t written = 0;
  uint64_t total = 0;
  lens_ref ref;
  if (ask_whole(self, lens_leaks)) {
    (void)lens_leaks_select(self, "*", 8, leaks, &written, &total);
    (void)lens_leak_holders(self, 0, 8, objects, &written, &total);
    if (lens_leaks_joint(self, 8, leaks, &written, &total) == LENS_OK && written != 0)
      (void)lens_leak_holders(self, leaks[0].number, 64, objects, &written, &total);
  }
  if (ask_whole(self, ask_local) && ask_whole(self, ask_collect)) {
    (void)lens_collect_rows(self, LENS_COLLECT_FREED | LENS_COLLECT_KEPT_MEMBERS, NULL, 8,
                            collected, &written, &total);
  }
  for (int soft = 0; soft < 2; soft++) {
    if (!ask_whole(self, soft != 0 ? ask_soft_ways : ask_ways)) continue;
    for (uint64_t i = 0; lens_way_get(self, i, &way) == LENS_OK; i++) {
      written = 0;
      (void)lens_way_objects(self, i, 0, 64, objects, &written, &total);
      for (uint64_t k = 1; k < written; k++)
        (void)lens_holding_ref(self, objects[k - 1], objects[k], &ref);
    }
  }
}

static inline lens_status ask_findings(lens *self, uint32_t slice_ms, lens_progress *progress) {
  const lens_audit_filter all = {.guessed = 1};
  return lens_audit(self, &all, slice_ms, progress);
}

/* The audit, and who is to blame. */
static inline void ask_audit(lens *self) {
  lens_finding findings[8];
  lens_unmatched rows[8];
  lens_deed deeds[8];
  lens_pairing pairing;
  uint64_t written = 0;
  uint64_t total = 0;
  uint64_t silent = 0;
  if (!ask_whole(self, ask_findings)) return;
  (void)lens_findings(self, 8, findings, &written, &total);
  if (!ask_whole(self, lens_pairs_read) || !ask_whole(self, lens_pairs_learn)) return;
  if (ask_whole(self, lens_blame)) (void)lens_blame_rows(self, 8, rows, &written, &total, &silent);
  for (uint64_t serial = 1; serial < 16; serial++) {
    lens_status status;
    int slices = 0;
    do status = lens_pairing_of(self, 0, serial, ASK_SLICE_MS, NULL, &pairing);
    while (ask_again(status, &slices));
    if (status != LENS_OK) continue;
    (void)lens_deeds(self, 0, 8, deeds, &written, &total);
    (void)lens_unmatched_rows(self, 8, rows, &written, &total);
  }
}

static inline void ask_everything(lens *self) {
  lens_status status;
  int slices = 0;
  do status = lens_model_load(self, ASK_SLICE_MS);
  while (ask_again(status, &slices));
  if (status != LENS_OK) return;
  ask_blocks(self);
  ask_tracking(self);
  lens_type_census types[8];
  lens_object rows[8];
  uint64_t written = 0;
  uint64_t total = 0;
  const lens_filter all = {.refcount_max = UINT64_MAX, .size_max = UINT64_MAX, .heap = LENS_NONE};
  if (ask_whole(self, lens_walk)) {
    (void)lens_census(self, 8, types, &written, &total);
    (void)lens_select(self, &all, 8, rows, &written, &total);
  }
  (void)ask_whole(self, lens_index);
  (void)ask_whole(self, lens_account_all);
  ask_audit(self);
  (void)ask_whole(self, lens_check);
  ask_moment(self);
  ask_graph(self);
  ask_retained(self);
  ask_why(self);
}

#endif
