/* What the program tracked of one object: its serial, who allocated it, its last events.
 *
 * Offline there are no lines: a place in the code is the module and the distance from where it
 * begins in memory, as cores name them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "table.h"
#include "units.h"

enum { LAST_EVENTS = 8, MISUSES_A_HEAP = 4, PLACE_BYTES = 160 };

static const char *const OPS[] = {"other",   "allocate",      "free",       "retain",
                                  "release", "collect_start", "collect_end"};

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

static void json_event(const struct session *session, const lens_event *event) {
  json_number(session->json, "seq", event->sequence);
  json_text(session->json, "op", OPS[event->op]);
  json_number(session->json, "refcount", event->count);
  json_number(session->json, "thread", event->thread);
  json_caller(session, "site", event->caller);
  if (event->stack != 0) json_address(session->json, "stack", event->stack);
  if (event->caught != 0) json_flag(session->json, "caught", true);
}

static void json_tracked(const struct session *session, const lens_track *track,
                         const lens_site *site, const lens_event *events, uint64_t count,
                         uint64_t total) {
  json_number(session->json, "serial", track->serial);
  if (site->frame_count != 0) {
    json_caller(session, "site", site->frames[0]);
    json_name(session->json, "backtrace");
    yajl_gen_array_open(session->json);
    for (uint32_t i = 0; i < site->frame_count; i++) json_caller(session, NULL, site->frames[i]);
    yajl_gen_array_close(session->json);
  }
  if (total == 0) return;
  json_name(session->json, "events");
  yajl_gen_array_open(session->json);
  for (uint64_t i = count; i-- > 0;) {
    yajl_gen_map_open(session->json);
    json_event(session, &events[i]);
    yajl_gen_map_close(session->json);
  }
  yajl_gen_array_close(session->json);
  json_number(session->json, "event_count", total);
}

static void print_tracked(const struct session *session, const lens_track *track,
                          const lens_site *site, const lens_event *events, uint64_t count,
                          uint64_t total) {
  char place[PLACE_BYTES];
  printf("serial %" PRIu64, track->serial);
  for (uint32_t i = 0; i < site->frame_count; i++) {
    caller_text(session, site->frames[i], place, sizeof place);
    printf("%s %s", i == 0 ? ", allocated by" : "\n  called from", place);
  }
  puts("");
  if (total == 0) return;
  struct table table;
  table_begin(&table, (const char *const[]){"event", "", "count", "caller", "thread", NULL});
  for (uint64_t i = count; i-- > 0;) {
    char number[24], refcount[16], thread[16];
    snprintf(number, sizeof number, "%" PRIu64, events[i].sequence);
    snprintf(refcount, sizeof refcount, "%" PRIu32, events[i].count);
    snprintf(thread, sizeof thread, "%" PRIu32, events[i].thread);
    caller_text(session, events[i].caller, place, sizeof place);
    table_cell(&table, number);
    table_cell(&table, OPS[events[i].op]);
    table_cell(&table, refcount);
    table_cell(&table, place);
    table_cell(&table, thread);
  }
  table_print(&table);
  text_cut(count, total, "events");
}

lens_status tracked_show(const struct session *session, const lens_object *object) {
  lens_track track;
  lens_status status = lens_track_at(session->target, object->address, &track);
  if (status != LENS_OK) return status == LENS_NOT_FOUND ? LENS_OK : status;
  lens_site site = {0};
  status = lens_site_get(session->target, track.heap, track.site, &site);
  if (status != LENS_OK && status != LENS_NOT_FOUND && status != LENS_UNREADABLE) return status;
  lens_event events[LAST_EVENTS];
  uint64_t count = 0, total = 0;
  status = lens_events(session->target, track.heap, track.base, track.serial, 1, 0, LAST_EVENTS,
                       events, &count, &total);
  if (status != LENS_OK) return status;
  if (session->json != NULL) {
    json_tracked(session, &track, &site, events, count, total);
  } else {
    print_tracked(session, &track, &site, events, count, total);
  }
  return LENS_OK;
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
  printf("  0x%" PRIx64 ", serial %" PRIu64 ", %sd at %s\n", event->object, event->serial,
         OPS[event->op], place);
}

/* Adds up what the heaps caught; with `rows` prints the last of each. */
static lens_status misuses_of_heaps(const struct session *session, bool rows, lens_misuses *sum) {
  *sum = (lens_misuses){0};
  for (uint64_t heap = 0; heap < lens_heap_count(session->target); heap++) {
    lens_event events[MISUSES_A_HEAP] = {0};
    uint64_t count;
    lens_misuses here;
    lens_status status =
        lens_misuses_get(session->target, heap, session->options->type_glob,
                         rows ? MISUSES_A_HEAP : 0, rows ? events : NULL, &count, &here);
    if (status != LENS_OK) return status;
    sum->matched += here.matched;
    sum->others += here.others;
    sum->unknown += here.unknown;
    for (uint64_t i = 0; i < count; i++) misuse_row(session, &events[i]);
  }
  return LENS_OK;
}

static void misuses_text(const lens_misuses *found) {
  if (found->others != 0)
    printf("Uses of freed objects of other types: %s; without -type they are listed.\n",
           text_number(found->others).text);
  if (found->unknown != 0)
    printf("Uses of freed objects whose type no event tells any more: %s.\n",
           text_number(found->unknown).text);
}

lens_status tracked_misuses(const struct session *session, lens_misuses *found) {
  yajl_gen json = session->json;
  lens_status status = misuses_of_heaps(session, false, found);
  if (status == LENS_OK && found->matched != 0) {
    if (json == NULL) {
      printf("Uses of freed objects, caught in quarantine: %s\n", text_number(found->matched).text);
      status = misuses_of_heaps(session, true, found);
    } else {
      json_number(json, "misuses", found->matched);
      json_name(json, "caught");
      yajl_gen_array_open(json);
      status = misuses_of_heaps(session, true, found);
      yajl_gen_array_close(json);
    }
  }
  if (json == NULL) {
    misuses_text(found);
    return status;
  }
  if (found->others != 0) json_number(json, "misuses_other_types", found->others);
  if (found->unknown != 0) json_number(json, "misuses_unknown_type", found->unknown);
  return status;
}
