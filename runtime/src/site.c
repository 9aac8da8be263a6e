/* The table of sites: each place in the program once, with what it allocated.
 *
 * A site's number is its row + 1 and never changes.  Rows and the hash table that finds them lie in
 * one mapping, which grows by being copied into one of twice the size.
 *
 * Invariants:
 *  - site_count <= site_capacity; site_slots has twice as many entries as there may be rows, so a
 *    search comes to an empty one.
 *  - A reader finds rows [0, site_count) complete at every instruction: a row is counted after it
 *    is filled, and a larger table is complete before the pointer to it is stored.
 */
#include "tracking.h"

enum { CAPACITY_MIN = 512 };

static size_t mapping_bytes(uint32_t capacity) {
  return (size_t)capacity * (sizeof(struct cairn_site) + 2 * sizeof(uint32_t));
}

static uint64_t hash(const uint64_t *frames, uint32_t count) {
  uint64_t mixed = count;
  for (uint32_t i = 0; i < count; i++) {
    mixed = (mixed ^ frames[i]) * 0x9e3779b97f4a7c15ull;
    mixed ^= mixed >> 32;
  }
  return mixed;
}

/* The entry of the hash table that names the site, or the empty one where it belongs. */
static uint32_t *slot_of(const struct cairn_tracking *tracking, const uint64_t *frames,
                         uint32_t count) {
  uint32_t mask = 2 * tracking->site_capacity - 1;
  uint32_t at = (uint32_t)hash(frames, count) & mask;
  for (;; at = (at + 1) & mask) {
    uint32_t number = tracking->site_slots[at];
    if (number == 0) break;
    const struct cairn_site *site = &tracking->sites[number - 1];
    if (site->frame_count != count) continue;
    if (memcmp(site->frames, frames, count * sizeof *frames) == 0) break;
  }
  return &tracking->site_slots[at];
}

/* Moves to a table of that many rows.  False: no memory. */
static bool set_capacity(struct cairn_tracking *tracking, uint32_t capacity) {
  struct cairn_site *sites = cairn_system_map(mapping_bytes(capacity), 0);
  if (sites == NULL) return false;
  struct cairn_site *before = tracking->sites;
  size_t before_bytes = mapping_bytes(tracking->site_capacity);
  if (before != NULL) memcpy(sites, before, tracking->site_count * sizeof *sites);
  CAIRN_ORDER();
  tracking->sites = sites;
  CAIRN_ORDER();
  tracking->site_capacity = capacity;
  tracking->site_slots = (uint32_t *)(void *)(sites + capacity);
  tracking->bytes += mapping_bytes(capacity);
  for (uint32_t number = 1; number <= tracking->site_count; number++) {
    const struct cairn_site *site = &sites[number - 1];
    *slot_of(tracking, site->frames, site->frame_count) = number;
  }
  if (before != NULL) {
    cairn_system_unmap(before, before_bytes);
    tracking->bytes -= before_bytes;
  }
  return true;
}

bool cairn_sites_begin(struct cairn_tracking *tracking) {
  return tracking->sites != NULL || set_capacity(tracking, CAPACITY_MIN);
}

void cairn_sites_end(struct cairn_tracking *tracking) {
  if (tracking->sites == NULL) return;
  struct cairn_site *sites = tracking->sites;
  tracking->site_count = 0;
  CAIRN_ORDER();
  tracking->sites = NULL;
  CAIRN_ORDER();
  cairn_system_unmap(sites, mapping_bytes(tracking->site_capacity));
  tracking->bytes -= mapping_bytes(tracking->site_capacity);
  tracking->site_capacity = 0;
  tracking->site_slots = NULL;
}

uint32_t cairn_site_number(struct cairn_tracking *tracking, const struct cairn_callers *callers) {
  if (tracking->sites == NULL || callers->count == 0) return 0;
  uint32_t *slot = slot_of(tracking, callers->frames, callers->count);
  if (*slot != 0) return *slot;
  if (tracking->site_count == tracking->site_capacity) {
    bool full = tracking->site_capacity > UINT32_MAX / 8;
    if (full || !set_capacity(tracking, 2 * tracking->site_capacity)) {
      tracking->site_lost++;
      return 0;
    }
    slot = slot_of(tracking, callers->frames, callers->count);
  }
  struct cairn_site *site = &tracking->sites[tracking->site_count];
  memcpy(site->frames, callers->frames, sizeof site->frames);
  site->frame_count = callers->count;
  CAIRN_ORDER();
  *slot = ++tracking->site_count;
  return *slot;
}

struct cairn_site *cairn_site_at(const struct cairn_tracking *tracking, uint32_t number) {
  return number == 0 ? NULL : &tracking->sites[number - 1];
}
