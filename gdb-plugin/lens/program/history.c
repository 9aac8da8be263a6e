/* history: what happened to an object, in pairs, and what is left over.
 *
 * One that was freed has a history until its memory is used again.  Which release is meant for
 * which retain is learned from balanced objects (docs/TRACKING.md).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "accounts_text.h"
#include "left.h"
#include "page.h"
#include "table.h"
#include "tracked.h"
#include "units.h"

enum { PLACE_BYTES = 160 };

static const char *const FATES[] = {"none", "paired", "held",      "root",
                                    "gone", "lost",   "unmatched", "cut"};
static const char *const FATES_SAID[] = {
    "", "", "held now", "held by a root, perhaps", "collected", "not kept", "nothing", ""};

struct history {
  struct tracked tracked;
  lens_pairing pairing;
  lens_deed *deeds;
  uint64_t deed_count;
  bool paired;
  lens_account account; /* where it lives: judged */
  bool judged;
  uint32_t doubts;
};

/* ---- asking ---- */

static bool is_gone(const struct history *found) {
  return found->tracked.track.place == LENS_PLACE_FREED ||
         found->tracked.track.place == LENS_PLACE_QUARANTINED;
}

static lens_status take_deeds(const struct session *session, struct history *found) {
  uint64_t written, total;
  lens_status status = lens_deeds(session->target, 0, 0, NULL, &written, &total);
  if (status != LENS_OK) return status;
  found->deeds = malloc((size_t)(total + 1) * sizeof *found->deeds);
  if (found->deeds == NULL) return LENS_NO_MEMORY;
  return lens_deeds(session->target, 0, total, found->deeds, &found->deed_count, &total);
}

/* The verdict on the count of one that lives. */
static lens_status judge(struct session *session, struct history *found) {
  lens_object object;
  uint32_t index;
  if (found->tracked.track.place != LENS_PLACE_OBJECT ||
      lens_object_at(session->target, found->tracked.track.base, &object) != LENS_OK)
    return LENS_OK;
  lens_status status = account_of(session, &object, &index, &found->account, &found->doubts);
  found->judged = status == LENS_OK;
  if (found->judged) account_judge(session, &found->account);
  return status == LENS_NOT_FOUND ? LENS_OK : status;
}

static lens_status refuse(struct session *session, const char *why) {
  (void)snprintf(session->refusal, sizeof session->refusal, "0x%" PRIx64 ": %s",
                 session->options->address, why);
  return LENS_NOT_FOUND;
}

static lens_status find(struct session *session, struct history *found) {
  const struct options *options = session->options;
  lens_tracking tracking;
  lens_status status = tracked_get(session, options->address, options->limit, &found->tracked);
  if (status == LENS_NOT_FOUND || (status == LENS_OK && found->tracked.track.serial == 0))
    return refuse(session, "nothing was recorded of it (CAIRN_TRACK=events records events)");
  if (status != LENS_OK) return status;
  status = lens_tracking_get(session->target, found->tracked.track.heap, &tracking);
  if (status == LENS_NOT_FOUND || (tracking.switches & LENS_TRACK_EVENTS) == 0)
    return refuse(session, "its heap records no events (CAIRN_TRACK=events does)");
  bool learned = false;
  if (status == LENS_OK) status = left_prepare(session, NULL, false, &learned);
  if (status == LENS_OK) status = judge(session, found);
  if (status == LENS_OK && learned)
    status = left_pair(session, found->tracked.track.base, &found->pairing, &found->paired);
  return status == LENS_OK && found->paired ? take_deeds(session, found) : status;
}

static const lens_deed *deed_of(const struct history *found, uint64_t sequence) {
  uint64_t low = 0, high = found->deed_count;
  while (low < high) {
    uint64_t middle = low + (high - low) / 2;
    if (found->deeds[middle].sequence < sequence) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  bool there = low < found->deed_count && found->deeds[low].sequence == sequence;
  return there ? &found->deeds[low] : NULL;
}

/* ---- JSON ---- */

static void event_row(const struct session *session, const struct history *found,
                      const lens_event *event) {
  yajl_gen json = session->json;
  const lens_deed *deed = deed_of(found, event->sequence);
  yajl_gen_map_open(json);
  json_event(session, event);
  if (deed != NULL && deed->partner != 0) {
    json_number(json, "paired", deed->partner);
  } else {
    json_null(json, "paired");
  }
  if (deed != NULL && deed->fate != LENS_FATE_NONE) {
    json_text(json, "fate", FATES[deed->fate <= LENS_FATE_CUT ? deed->fate : LENS_FATE_CUT]);
    if (deed->guessed != 0) json_flag(json, "guessed", true);
    if (deed->known != 0) json_flag(json, "known", true);
  }
  yajl_gen_map_close(json);
}

static lens_status print_json(const struct session *session, const struct history *found) {
  static const char *const VERDICTS[] = {"balanced", "over-retained", "under-retained", "immortal",
                                         "unknown"};
  yajl_gen json = session->json;
  const struct tracked *tracked = &found->tracked;
  lens_status status = LENS_OK;
  rows_begin(session);
  for (uint64_t i = 0; i < tracked->count; i++) event_row(session, found, &tracked->events[i]);
  yajl_gen_array_close(json);
  json_listing_end(json, tracked->total, tracked->count);
  json_address(json, "addr", tracked->track.base);
  json_text(json, "type",
            tracked->track.type == LENS_NONE ? "" : type_name(session, tracked->track.type));
  json_number(json, "serial", tracked->track.serial);
  json_number(json, "events_lost", tracked->lost);
  if (found->paired) {
    status = left_json(session, "unmatched");
    json_number(json, "lost_refs", found->pairing.lost_refs);
    json_flag(json, "gaps", found->pairing.gaps != 0);
  } else {
    json_name(json, "unmatched");
    yajl_gen_array_open(json);
    yajl_gen_array_close(json);
  }
  if (found->judged) json_text(json, "verdict", VERDICTS[found->account.verdict]);
  if (tracked->site.frame_count != 0) json_caller(session, "allocated_at", tracked->site.frames[0]);
  if (tracked->freed.frame_count != 0) json_caller(session, "freed_at", tracked->freed.frames[0]);
  yajl_gen_map_close(json);
  return status;
}

/* ---- text ---- */

static bool is_guess(const lens_deed *deed) {
  return deed != NULL && deed->guessed != 0 && deed->fate != LENS_FATE_UNMATCHED;
}

static void goes_with(const lens_event *event, const lens_deed *deed, char *out, size_t bytes) {
  out[0] = 0;
  if (event->caught != 0) {
    (void)snprintf(out, bytes, "it was dead");
  } else if (deed != NULL) {
    const char *fate = FATES_SAID[deed->fate <= LENS_FATE_CUT ? deed->fate : 0];
    const struct number_text partner = text_number(deed->partner);
    (void)snprintf(out, bytes, "%s%s", deed->partner != 0 ? partner.text : fate,
                   is_guess(deed) ? "?" : "");
  }
}

/* What is missing before the first event, or between those that are left. */
static void print_missing(const struct history *found) {
  const uint64_t lost = found->tracked.lost;
  if (found->paired && found->pairing.lost_refs != 0) {
    const struct counted_text had = text_counted(found->pairing.lost_refs, "reference");
    if (lost != 0) {
      say("It had %s before the first event that is left: what was before is overwritten (%s "
          "events of the heap).",
          had.text, text_number(lost).text);
    } else {
      say("It had %s before the first event that is left: it is older than the tracking.",
          had.text);
    }
  } else if (lost != 0) {
    say("What was before is lost: %s events of the heap were overwritten.", text_number(lost).text);
  }
  if (found->paired && found->pairing.gaps != 0)
    say("Events are missing between those that are left: the pairs are a guess.");
  if (found->paired && found->pairing.cut != 0) say("Only its last 65,536 events were paired.");
}

static void print_events(const struct session *session, const struct history *found) {
  struct table table;
  bool guesses = false;
  table_begin(&table, (const char *const[]){">event", "", ">count", ">thread", "goes with", "for",
                                            "where", NULL});
  for (uint64_t i = 0; i < found->tracked.count; i++) {
    const lens_event *event = &found->tracked.events[i];
    const lens_deed *deed = deed_of(found, event->sequence);
    char thread[16], with[64], holder[24] = "", place[PLACE_BYTES];
    if (event->holder != 0) (void)snprintf(holder, sizeof holder, "0x%" PRIx64, event->holder);
    (void)snprintf(thread, sizeof thread, "%" PRIu32, event->thread);
    goes_with(event, deed, with, sizeof with);
    caller_text(session, event->caller, place, sizeof place);
    table_cell(&table, text_number(event->sequence).text);
    table_cell(&table, left_op(event->op));
    table_cell(&table, text_number(event->count).text);
    table_cell(&table, thread);
    table_cell(&table, with);
    table_cell(&table, holder);
    table_cell(&table, place);
    guesses = guesses || (event->caught == 0 && is_guess(deed));
  }
  table_print(&table);
  text_cut(found->tracked.count, found->tracked.total, "events");
  if (guesses) say("?: by what other objects show, an event of another line fits as well.");
}

/* What is known for certain of uses after the death. */
static void print_caught(const struct session *session, const struct history *found, bool more) {
  uint64_t releases = 0;
  for (uint64_t i = 0; i < found->tracked.count; i++) {
    const lens_event *event = &found->tracked.events[i];
    char place[PLACE_BYTES];
    if (event->caught == 0) continue;
    caller_text(session, event->caller, place, sizeof place);
    releases += event->op == LENS_EVENT_RELEASE;
    say("%s after its death, for certain: event %s, %s.",
        event->op == LENS_EVENT_RELEASE ? "Released" : "Retained",
        text_number(event->sequence).text, place);
  }
  if (releases != 0)
    say("So %s in all %s too many: that one, or an earlier one that gave back what that one still "
        "held%s",
        text_counted(releases, "release").text, releases == 1 ? "was" : "were", more ? ":" : ".");
}

/* What it means that nothing is left over.  Of the dead it is no proof. */
static void print_even(const struct history *found) {
  if (!is_gone(found)) {
    say("Nothing is left over: what was not given back is held.");
    return;
  }
  for (uint64_t i = 0; i < found->deed_count; i++) {
    if (found->deeds[i].fate != LENS_FATE_GONE) continue;
    say("Nothing is left over: what was not given back went with its collection.");
    return;
  }
  const lens_pairing *pairing = &found->pairing;
  if (pairing->gaps == 0 && pairing->cut == 0 && pairing->lost_refs == 0)
    say("It was given back as often as it was taken, and no object refers to it now.");
  say("Did it die too early, then one of these releases gave back what another still held; which "
      "one, the events of a dead object can't tell.  The command audit can while it lives.");
}

static lens_status print_left(const struct session *session, const struct history *found) {
  char *text = NULL;
  size_t bytes;
  uint64_t count = 0;
  FILE *out = open_memstream(&text, &bytes);
  if (out == NULL) return LENS_NO_MEMORY;
  lens_status status = found->paired ? left_text(session, out, "", &count) : LENS_OK;
  bool written = fclose(out) == 0 && text != NULL;
  if (!written && status == LENS_OK) status = LENS_NO_MEMORY;
  if (status == LENS_OK) {
    print_caught(session, found, count != 0);
    say_lines(text);
    if (count == 0 && found->paired) print_even(found);
  }
  free(text);
  return status;
}

static lens_status print_text(const struct session *session, const struct history *found) {
  const struct tracked *tracked = &found->tracked;
  const lens_track *track = &tracked->track;
  char place[PLACE_BYTES];
  printf("%s at 0x%" PRIx64 ", serial %" PRIu64 "%s\n",
         track->type == LENS_NONE ? "?" : type_name(session, track->type), track->base,
         track->serial, is_gone(found) ? ", freed" : "");
  if (is_gone(found) && tracked->freed.frame_count != 0) {
    caller_text(session, tracked->freed.frames[0], place, sizeof place);
    say("freed at %s, thread %" PRIu32, place, track->freed_thread);
  }
  if (tracked->count == 0) {
    if (tracked->lost != 0)
      say("None of its events is left: %s of the heap were overwritten.",
          text_counted(tracked->lost, "event").text);
    else
      say("No event of it was recorded: it is older than the tracking, or the runtime's own.");
    return LENS_OK;
  }
  print_missing(found);
  print_events(session, found);
  return print_left(session, found);
}

lens_status history_run(struct session *session) {
  struct history found = {0};
  lens_status status = find(session, &found);
  if (status == LENS_OK && session->json == NULL) answer_begin(session);
  if (status == LENS_OK)
    status = session->json != NULL ? print_json(session, &found) : print_text(session, &found);
  tracked_free(&found.tracked);
  free(found.deeds);
  return status;
}
