/* Who stored a reference.  See cycle_stores.h.
 *
 * A slot that owns retained what it holds, so of the target's takes that are still held one is the
 * slot's:
 *
 *   certain    the event names the holder, and no list, dict or set, from which an object can be
 *              popped and given back without an event; or the only time that a container took it
 *   likely     pairing leaves one place
 *   possible   several places, or events are missing; the latest of them is named, and the others
 */
#include "cycle_stores.h"

#include <stdlib.h>
#include <string.h>

#include "left.h"

enum { EDGES_MAX = 8 };

/* ---- the takes of an object ---- */

struct takes {
  lens_deed *deeds; /* allocations and retains, in order */
  uint8_t *meant;   /* a byte each: it may be the slot's */
  uint64_t count;
};

static bool is_take(const lens_deed *deed) {
  return deed->op == LENS_EVENT_ALLOCATE || deed->op == LENS_EVENT_RETAIN;
}

static lens_status read_takes(const struct session *session, struct takes *out) {
  uint64_t written = 0, total = 0;
  *out = (struct takes){0};
  lens_status status = lens_deeds(session->target, 0, 0, NULL, &written, &total);
  if (status != LENS_OK) return status;
  out->deeds = malloc((size_t)(total + 1) * sizeof *out->deeds);
  out->meant = calloc((size_t)total + 1, 1);
  if (out->deeds == NULL || out->meant == NULL) return LENS_NO_MEMORY;
  status = lens_deeds(session->target, 0, total, out->deeds, &written, &total);
  for (uint64_t i = 0; status == LENS_OK && i < written; i++) {
    if (is_take(&out->deeds[i])) out->deeds[out->count++] = out->deeds[i];
  }
  return status;
}

static void free_takes(struct takes *takes) {
  free(takes->deeds);
  free(takes->meant);
}

/* The event that made the holder; 0: not known. */
static uint64_t born(const struct session *session, uint64_t holder) {
  lens_track track;
  lens_event event = {.op = 0};
  uint64_t written = 0, total = 0;
  if (lens_track_at(session->target, holder, &track) != LENS_OK || track.serial == 0 ||
      lens_events(session->target, track.heap, track.base, track.serial, 0, 0, 1, &event, &written,
                  &total) != LENS_OK)
    return 0;
  return written != 0 && event.op == LENS_EVENT_ALLOCATE ? event.sequence : 0;
}

/* Keeps of those that are meant the ones that `fits`, where there are any. */
static void prefer(struct takes *takes, bool (*fits)(const lens_deed *, uint64_t), uint64_t with) {
  bool any = false;
  for (uint64_t i = 0; i < takes->count; i++)
    any = any || (takes->meant[i] != 0 && fits(&takes->deeds[i], with));
  for (uint64_t i = 0; any && i < takes->count; i++)
    takes->meant[i] = takes->meant[i] != 0 && fits(&takes->deeds[i], with);
}

static bool is_later(const lens_deed *deed, uint64_t than) { return deed->sequence > than; }
static bool is_inner(const lens_deed *deed, uint64_t unused) {
  (void)unused;
  return deed->inner != 0;
}

/* The takes that may be the slot's: still held, by a container where any was, and not before the
 * holder was made. */
static void choose(struct takes *takes, uint64_t holder_born) {
  bool held = false, guessed = false;
  for (uint64_t i = 0; i < takes->count; i++) {
    const uint32_t fate = takes->deeds[i].fate;
    takes->meant[i] = fate == LENS_FATE_HELD || fate == LENS_FATE_ROOT;
    held = held || takes->meant[i] != 0;
  }
  for (uint64_t i = 0; i < takes->count; i++) {
    if (!held) takes->meant[i] = takes->deeds[i].fate == LENS_FATE_UNMATCHED;
    guessed = guessed || (takes->meant[i] != 0 && takes->deeds[i].guessed != 0);
  }
  for (uint64_t i = 0; guessed && i < takes->count; i++)
    takes->meant[i] = takes->meant[i] != 0 || takes->deeds[i].guessed != 0;
  prefer(takes, is_later, holder_born);
  prefer(takes, is_inner, 0);
}

/* The takes that name the holder, and whose reference it has.  False: there are none. */
static bool choose_told(struct takes *takes, const lens_object *holder) {
  bool any = false;
  for (uint64_t i = 0; i < takes->count; i++) {
    const lens_deed *deed = &takes->deeds[i];
    takes->meant[i] = deed->known != 0 && deed->fate == LENS_FATE_HELD &&
                      deed->holder - holder->address < holder->size_bytes;
    any = any || takes->meant[i] != 0;
  }
  return any;
}

static bool may_move(const struct session *session, const lens_object *holder) {
  const char *name = type_name(session, holder->type);
  return strcmp(name, "list") == 0 || strcmp(name, "dict") == 0 || strcmp(name, "set") == 0;
}

static uint32_t sureness_of(const struct takes *takes, uint32_t places,
                            const lens_pairing *pairing) {
  uint64_t inner = 0;
  bool first_inner = false, first = true, guessed = false;
  if (places > 1 || pairing->gaps != 0 || pairing->cut != 0 || pairing->lost_refs != 0)
    return LENS_POSSIBLE;
  for (uint64_t i = 0; i < takes->count; i++) {
    inner += takes->deeds[i].inner != 0;
    if (takes->meant[i] == 0) continue;
    if (first) first_inner = takes->deeds[i].inner != 0;
    first = false;
    guessed = guessed || takes->deeds[i].guessed != 0;
  }
  if (inner == 1 && first_inner) return LENS_CERTAIN;
  return guessed ? LENS_POSSIBLE : LENS_LIKELY;
}

/* ---- one reference ---- */

/* The places of what is meant, the latest first; returns how many. */
static uint32_t take_places(const struct session *session, const struct takes *takes,
                            struct cycle_store *out) {
  uint32_t sites[STORE_OTHERS_MAX + 1], count = 0;
  for (uint64_t i = takes->count; i-- > 0;) {
    bool known = takes->meant[i] == 0;
    for (uint32_t k = 0; k < count; k++) known = known || sites[k] == takes->deeds[i].site;
    if (!known && count <= STORE_OTHERS_MAX) sites[count++] = takes->deeds[i].site;
    if (takes->meant[i] != 0 && takes->deeds[i].sequence > out->sequence)
      out->sequence = takes->deeds[i].sequence;
  }
  for (uint32_t i = 0; i < count; i++) {
    const uint64_t caller = left_innermost(session, sites[i]);
    if (caller == 0) continue;
    if (out->known) out->others[out->other_count++] = caller;
    if (!out->known) out->caller = caller;
    out->known = true;
  }
  return count;
}

static lens_status store_of(const struct session *session, uint32_t holder, uint32_t target,
                            struct cycle_store *out) {
  lens_object objects[2];
  lens_pairing pairing;
  struct takes takes;
  bool paired = false;
  *out = (struct cycle_store){.known = false};
  lens_status status = lens_snapshot_object(session->target, holder, &objects[0]);
  if (status == LENS_OK) status = lens_snapshot_object(session->target, target, &objects[1]);
  if (status == LENS_OK) status = left_pair(session, objects[1].address, &pairing, &paired);
  if (status != LENS_OK || !paired) return status;
  status = read_takes(session, &takes);
  if (status == LENS_OK) {
    const bool told = choose_told(&takes, &objects[0]);
    if (!told) choose(&takes, born(session, objects[0].address));
    const uint32_t places = take_places(session, &takes, out);
    out->sureness = !told                            ? sureness_of(&takes, places, &pairing)
                    : places > 1                     ? (uint32_t)LENS_POSSIBLE
                    : may_move(session, &objects[0]) ? (uint32_t)LENS_LIKELY
                                                     : (uint32_t)LENS_CERTAIN;
    out->holder = objects[0].address;
    out->target = objects[1].address;
  }
  free_takes(&takes);
  return status;
}

lens_status cycle_store_of(const struct session *session, const struct cycle *cycle,
                           struct cycle_store *out) {
  const lens_cycle_break *best = cycle->best;
  uint64_t edges = 0, known = 0;
  uint32_t sureness = LENS_CERTAIN;
  lens_status status = LENS_OK;
  *out = (struct cycle_store){.known = false};
  if (best == NULL) return LENS_OK;
  for (uint64_t i = 0; i <= cycle->slot_count && status == LENS_OK; i++) {
    struct cycle_store store;
    const bool ring = i < cycle->slot_count && i < cycle->opened.ring_count;
    uint32_t holder = best->holder, target = best->target;
    if (ring) {
      const lens_cycle_slot *slot = &cycle->slots[i];
      lens_object object;
      status = lens_snapshot_object(session->target, slot->holder, &object);
      if (status != LENS_OK || object.type != best->type || slot->ref.slot != best->slot ||
          slot->ref.part != best->part)
        continue;
      holder = slot->holder;
      target = slot->target;
    } else if (edges != 0 || target == LENS_NONE) {
      break;
    }
    if (edges++ >= EDGES_MAX) continue;
    status = store_of(session, holder, target, &store);
    if (status == LENS_OK && store.known) {
      known++;
      if (store.sureness > sureness) sureness = store.sureness;
      if (!out->known || store.sequence > out->sequence) *out = store;
    }
    if (!ring) break;
  }
  /* Another one may have been later: where it is not known, or where one of several is meant. */
  if (out->known) out->sureness = known < edges ? LENS_POSSIBLE : sureness;
  return status;
}
