/* Leaks that are alike.  See leak_groups.h. */
#include "leak_groups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"
#include "units.h"

enum { PLACE_BYTES = 160, GROUPS_NAMED = 3 };

const char *leak_kind(const struct leak_row *row) {
  return row->leak.kind == LENS_LEAK_LOST ? "lost" : "cycle";
}

uint64_t leak_place(const struct leak_row *row) {
  return row->site.frame_count == 0 ? 0 : row->site.frames[0];
}

/* ---- which are alike ---- */

static const struct session *sorting; /* qsort hands nothing on */

/* 0: they are of one group. */
static int by_key(const struct leak_row *left, const struct leak_row *right) {
  if ((left->aside == NULL) != (right->aside == NULL)) return left->aside == NULL ? -1 : 1;
  int order = strcmp(leak_kind(left), leak_kind(right));
  if (order == 0)
    order = strcmp(type_name(sorting, left->root.type), type_name(sorting, right->root.type));
  uint64_t places[2] = {leak_place(left), leak_place(right)};
  if (order == 0 && places[0] != places[1]) order = places[0] < places[1] ? -1 : 1;
  if (order == 0 && left->aside != NULL) order = strcmp(left->aside, right->aside);
  return order;
}

static int by_row(const void *a, const void *b) {
  const struct leak_row *left = a, *right = b;
  int order = by_key(left, right);
  if (order == 0 && left->leak.bytes != right->leak.bytes)
    order = left->leak.bytes > right->leak.bytes ? -1 : 1;
  if (order == 0 && left->root.address != right->root.address)
    order = left->root.address < right->root.address ? -1 : 1;
  return order;
}

/* Of those that are not set aside, or of those that are: of as many bytes, in the rows' order. */
static int by_bytes(const void *a, const void *b) {
  const struct leak_group *left = a, *right = b;
  if (left->bytes != right->bytes) return left->bytes > right->bytes ? -1 : 1;
  return left->first < right->first ? -1 : left->first > right->first;
}

lens_status leak_groups_make(const struct session *session, const struct leak_row *rows,
                             size_t count, struct leak_groups *out) {
  *out = (struct leak_groups){malloc((count + 1) * sizeof *out->rows),
                              malloc((count + 1) * sizeof *out->groups), 0};
  if (out->rows == NULL || out->groups == NULL) return LENS_NO_MEMORY;
  if (count != 0) memcpy(out->rows, rows, count * sizeof *rows);
  sorting = session;
  qsort(out->rows, count, sizeof *out->rows, by_row);
  size_t left = 0;
  for (size_t i = 0; i < count; i++) {
    const struct leak_row *row = &out->rows[i];
    if (i == 0 || by_key(row - 1, row) != 0)
      out->groups[out->count++] = (struct leak_group){.first = i};
    struct leak_group *group = &out->groups[out->count - 1];
    group->end = i + 1;
    group->objects += row->leak.objects;
    group->bytes += row->leak.bytes;
    if (row->aside == NULL) left = out->count;
  }
  qsort(out->groups, left, sizeof *out->groups, by_bytes);
  qsort(out->groups + left, out->count - left, sizeof *out->groups, by_bytes);
  return LENS_OK;
}

void leak_groups_free(struct leak_groups *groups) {
  free(groups->rows);
  free(groups->groups);
  *groups = (struct leak_groups){0};
}

/* ---- in the answer ---- */

void leak_groups_json(const struct session *session, const struct leak_groups *groups) {
  yajl_gen json = session->json;
  json_name(json, "groups");
  yajl_gen_array_open(json);
  for (size_t i = 0; i < groups->count; i++) {
    const struct leak_group *group = &groups->groups[i];
    const struct leak_row *row = &groups->rows[group->first];
    if (row->aside != NULL) break;
    yajl_gen_map_open(json);
    json_text(json, "kind", leak_kind(row));
    json_text(json, "type", type_name(session, row->root.type));
    if (leak_place(row) != 0) {
      json_caller(session, "site", leak_place(row));
    } else {
      json_null(json, "site");
    }
    json_number(json, "leaks", group->end - group->first);
    json_number(json, "objects", group->objects);
    json_number(json, "bytes", group->bytes);
    yajl_gen_map_close(json);
  }
  yajl_gen_array_close(json);
}

void leak_groups_print(const struct session *session, const struct leak_groups *groups,
                       uint64_t bytes) {
  size_t several = 0;
  for (size_t i = 0; i < groups->count; i++) {
    const struct leak_group *group = &groups->groups[i];
    const struct leak_row *row = &groups->rows[group->first];
    if (row->aside != NULL) break;
    if (leak_place(row) == 0 || group->end - group->first < 2) continue;
    if (several++ >= GROUPS_NAMED) continue;
    char place[PLACE_BYTES];
    caller_text(session, leak_place(row), place, sizeof place);
    const struct number_text share = text_percent(group->bytes, bytes);
    say("%s alike: %s %s from %s, %s, %s, %s of it.", text_number(group->end - group->first).text,
        leak_kind(row), type_name(session, row->root.type), place,
        text_counted(group->objects, "object").text, text_size(group->bytes).text,
        group->bytes == bytes ? "all" : share.text);
  }
  if (several > GROUPS_NAMED)
    say("And %s of leaks that are alike.", text_counted(several - GROUPS_NAMED, "more group").text);
}
