/* What the program tracked of one object: its serial, who allocated it, its last events.
 *
 * Offline there are no lines: a place in the code is the module and the distance from where it
 * begins in memory, as cores name them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "left.h"
#include "page.h"
#include "table.h"
#include "tracked.h"
#include "units.h"

enum { LAST_EVENTS = 8, MISUSES_A_HEAP = 4, PLACE_BYTES = 160 };

/* The file that a call returns into, without its directories, and how far behind where the file
 * begins; NULL: none is known. */
const char *module_of(const struct session *session, uint64_t caller, uint64_t *offset) {
  const char *path;
  if (caller == 0 || lens_module_at(session->target, caller - 1, &path, offset) != LENS_OK)
    return NULL;
  ++*offset; /* of the caller, which may stand behind the end of its function */
  return strrchr(path, '/') + 1;
}

void caller_text(const struct session *session, uint64_t caller, char *out, size_t bytes) {
  uint64_t offset;
  const char *module = module_of(session, caller, &offset);
  if (caller == 0) {
    snprintf(out, bytes, "an unknown place");
  } else if (module == NULL) {
    snprintf(out, bytes, "0x%" PRIx64, caller);
  } else {
    snprintf(out, bytes, "%s+0x%" PRIx64, module, offset);
  }
}

void json_caller(const struct session *session, const char *name, uint64_t caller) {
  if (name != NULL) json_name(session->json, name);
  yajl_gen_map_open(session->json);
  json_address(session->json, "addr", caller);
  uint64_t offset;
  const char *module = module_of(session, caller, &offset);
  if (module != NULL) {
    json_text(session->json, "module", module);
    json_number(session->json, "offset", offset);
  }
  yajl_gen_map_close(session->json);
}

void json_event(const struct session *session, const lens_event *event) {
  json_number(session->json, "seq", event->sequence);
  json_text(session->json, "op", left_op(event->op));
  json_number(session->json, "refcount", event->count);
  json_number(session->json, "thread", event->thread);
  if (event->caller != 0) {
    json_caller(session, "site", event->caller);
  } else {
    json_null(session->json, "site");
  }
  if (event->stack != 0) json_address(session->json, "stack", event->stack);
  if (event->holder != 0) json_address(session->json, "holder", event->holder);
  if (event->caught != 0) json_flag(session->json, "caught", true);
}

void json_frames(const struct session *session, const char *name, const lens_site *site) {
  json_name(session->json, name);
  yajl_gen_array_open(session->json);
  for (uint32_t i = 0; i < site->frame_count && i < LENS_SITE_FRAMES; i++)
    json_caller(session, NULL, site->frames[i]);
  yajl_gen_array_close(session->json);
}

/* ---- one object ---- */

static lens_status site_of(const struct session *session, const lens_track *track, uint32_t number,
                           lens_site *out) {
  if (number == 0) return LENS_OK;
  lens_status status = lens_site_get(session->target, track->heap, number, out);
  if (status == LENS_OK) return LENS_OK;
  *out = (lens_site){0};
  return status == LENS_NOT_FOUND || status == LENS_UNREADABLE ? LENS_OK : status;
}

/* The last events, put in order; what may be missing before the first of them. */
static lens_status take_events(const struct session *session, uint64_t limit, struct tracked *out) {
  const lens_track *track = &out->track;
  lens_tracking tracking;
  uint64_t written = 0;
  lens_status status = lens_events(session->target, track->heap, track->base, track->serial, 1, 0,
                                   0, NULL, &written, &out->total);
  if (status != LENS_OK) return status;
  uint64_t room = limit != 0 && limit < out->total ? limit : out->total;
  out->events = malloc((size_t)(room + 1) * sizeof *out->events);
  if (out->events == NULL) return LENS_NO_MEMORY;
  status = lens_events(session->target, track->heap, track->base, track->serial, 1, 0, room,
                       out->events, &out->count, &out->total);
  for (uint64_t i = 0; i < out->count / 2; i++) {
    const lens_event event = out->events[i];
    out->events[i] = out->events[out->count - 1 - i];
    out->events[out->count - 1 - i] = event;
  }
  bool whole = out->count != 0 && out->events[0].op == LENS_EVENT_ALLOCATE;
  if (!whole && lens_tracking_get(session->target, track->heap, &tracking) == LENS_OK)
    out->lost = tracking.event_lost;
  return status;
}

lens_status tracked_get(const struct session *session, uint64_t address, uint64_t limit,
                        struct tracked *out) {
  *out = (struct tracked){0};
  lens_status status = lens_track_at(session->target, address, &out->track);
  if (status == LENS_OK) status = site_of(session, &out->track, out->track.site, &out->site);
  if (status == LENS_OK) status = site_of(session, &out->track, out->track.freed_site, &out->freed);
  if (status == LENS_OK && out->track.serial != 0) status = take_events(session, limit, out);
  return status;
}

void tracked_free(struct tracked *tracked) {
  free(tracked->events);
  tracked->events = NULL;
}

static void show_json(const struct session *session, const struct tracked *found) {
  json_number(session->json, "serial", found->track.serial);
  if (found->site.frame_count != 0) {
    json_caller(session, "site", found->site.frames[0]);
    json_frames(session, "backtrace", &found->site);
  }
  if (found->freed.frame_count != 0) json_caller(session, "freed_at", found->freed.frames[0]);
  if (found->total == 0) return;
  json_name(session->json, "events");
  yajl_gen_array_open(session->json);
  for (uint64_t i = 0; i < found->count; i++) {
    yajl_gen_map_open(session->json);
    json_event(session, &found->events[i]);
    yajl_gen_map_close(session->json);
  }
  yajl_gen_array_close(session->json);
  json_number(session->json, "event_count", found->total);
  json_number(session->json, "events_lost", found->lost);
}

static void show_text(const struct session *session, const struct tracked *found) {
  char place[PLACE_BYTES];
  printf("serial %" PRIu64, found->track.serial);
  for (uint32_t i = 0; i < found->site.frame_count; i++) {
    caller_text(session, found->site.frames[i], place, sizeof place);
    printf("%s %s", i == 0 ? ", allocated by" : "\n  called from", place);
  }
  puts("");
  if (found->total == 0) return;
  struct table table;
  table_begin(&table, (const char *const[]){">event", "", ">count", "caller", ">thread", NULL});
  for (uint64_t i = 0; i < found->count; i++) {
    const lens_event *event = &found->events[i];
    char thread[16];
    (void)snprintf(thread, sizeof thread, "%" PRIu32, event->thread);
    caller_text(session, event->caller, place, sizeof place);
    table_cell(&table, text_number(event->sequence).text);
    table_cell(&table, left_op(event->op));
    table_cell(&table, text_number(event->count).text);
    table_cell(&table, place);
    table_cell(&table, thread);
  }
  table_print(&table);
  text_cut(found->count, found->total, "events");
  if (found->lost != 0 && found->count == found->total)
    say("What was before is lost: %s of the heap were overwritten.",
        text_counted(found->lost, "event").text);
}

lens_status tracked_show(const struct session *session, const lens_object *object) {
  struct tracked found;
  lens_status status = tracked_get(session, object->address, LAST_EVENTS, &found);
  if (status == LENS_OK) (session->json != NULL ? show_json : show_text)(session, &found);
  tracked_free(&found);
  return status == LENS_NOT_FOUND ? LENS_OK : status;
}

/* ---- misuses ---- */

static void misuse_row(const struct session *session, const lens_event *event) {
  if (session->json != NULL) {
    yajl_gen_map_open(session->json);
    json_event(session, event);
    json_address(session->json, "addr", event->object);
    json_number(session->json, "serial", event->serial);
    yajl_gen_map_close(session->json);
    return;
  }
  char place[PLACE_BYTES];
  caller_text(session, event->caller, place, sizeof place);
  say("  0x%" PRIx64 ", serial %" PRIu64 ", %s at %s; history 0x%" PRIx64 " says more",
      event->object, event->serial, event->op == LENS_EVENT_RELEASE ? "released" : "retained",
      place, event->object);
}

/* Adds up what the heaps caught; with `rows` prints the last of each, which are *listed. */
static lens_status misuses_of_heaps(const struct session *session, bool rows, lens_misuses *sum,
                                    uint64_t *listed) {
  *sum = (lens_misuses){0};
  *listed = 0;
  for (uint64_t heap = 0; heap < lens_heap_count(session->target); heap++) {
    lens_event events[MISUSES_A_HEAP] = {0};
    uint64_t count;
    lens_misuses here;
    lens_status status = lens_misuses_get(session->target, heap, session->options->type_glob,
                                          MISUSES_A_HEAP, events, &count, &here);
    if (status != LENS_OK) return status;
    sum->matched += here.matched;
    sum->others += here.others;
    sum->unknown += here.unknown;
    *listed += count;
    for (uint64_t i = 0; rows && i < count; i++) misuse_row(session, &events[i]);
  }
  return LENS_OK;
}

/* `of type list`, what -type chose; "" without it. */
static void of_types(const struct session *session, char *out, size_t bytes) {
  const char *glob = session->options->type_glob;
  out[0] = 0;
  if (glob == NULL) return;
  (void)snprintf(out, bytes, " of %s %s", strpbrk(glob, "*?[") != NULL ? "the types" : "type",
                 glob);
}

static lens_status misuses_text(const struct session *session, lens_misuses *found) {
  char types[96];
  uint64_t listed;
  lens_status status = misuses_of_heaps(session, false, found, &listed);
  if (status != LENS_OK) return status;
  of_types(session, types, sizeof types);
  if (found->matched != 0) {
    say("%s of %s caught in quarantine%s%s", text_counted(found->matched, "use").text,
        found->matched == 1 ? "a freed object was" : "freed objects were", types,
        listed == 0           ? "; no event of it is left."
        : found->matched == 1 ? ":"
                              : "; the last ones:");
    status = misuses_of_heaps(session, true, found, &listed);
  }
  if (found->others != 0)
    say("Caught in quarantine as well: %s of freed objects of other types; the command audit "
        "without -type lists them.",
        text_counted(found->others, "use").text);
  if (found->unknown != 0)
    say("Caught in quarantine as well: %s of freed objects whose type no event tells any more.",
        text_counted(found->unknown, "use").text);
  return status;
}

lens_status tracked_misuses(const struct session *session, lens_misuses *found) {
  yajl_gen json = session->json;
  uint64_t listed;
  if (json == NULL) return misuses_text(session, found);
  lens_status status = misuses_of_heaps(session, false, found, &listed);
  if (status == LENS_OK && found->matched != 0) {
    json_number(json, "misuses", found->matched);
    json_name(json, "caught");
    yajl_gen_array_open(json);
    status = misuses_of_heaps(session, true, found, &listed);
    yajl_gen_array_close(json);
  }
  if (found->others != 0) json_number(json, "misuses_other_types", found->others);
  if (found->unknown != 0) json_number(json, "misuses_unknown_type", found->unknown);
  return status;
}
