/* Baselines.  See leak_baseline.h. */
#include "leak_baseline.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_tree.h>

#include "leak_groups.h"
#include "moments.h"

enum { SLICE_MS = 50, PLACE_BYTES = 160 };

/* ---- what an earlier run printed ---- */

/* So many leaks of a kind, type and place. */
struct listed {
  char *key;
  uint64_t left;
};

static lens_status refuse(struct session *session, const char *path, const char *why) {
  (void)snprintf(session->refusal, sizeof session->refusal, "the baseline %s %s", path, why);
  return LENS_BAD_ARGUMENT;
}

static const char *text_at(yajl_val value, const char *name) {
  const char *path[] = {name, NULL};
  const char *text =
      value == NULL ? NULL : YAJL_GET_STRING(yajl_tree_get(value, path, yajl_t_string));
  return text == NULL ? "" : text;
}

/* By what a leak is the same in another run; NULL: no memory. */
static char *key_of(const char *kind, const char *type, const char *place) {
  char *key = NULL;
  return asprintf(&key, "%s\n%s\n%s", kind, type, place) < 0 ? NULL : key;
}

/* The place of a row of the file: as caller_text names it here.  Functions that a debugger knew say
 * nothing here. */
static void place_of(yajl_val row, char *out, size_t bytes) {
  const char *site_path[] = {"site", NULL}, *offset_path[] = {"offset", NULL};
  yajl_val site = yajl_tree_get(row, site_path, yajl_t_object);
  out[0] = 0;
  if (site == NULL) return;
  yajl_val offset = yajl_tree_get(site, offset_path, yajl_t_number);
  if (YAJL_IS_INTEGER(offset))
    (void)snprintf(out, bytes, "%s+0x%llx", text_at(site, "module"),
                   (unsigned long long)YAJL_GET_INTEGER(offset));
}

static void listed_free(struct listed *listed, size_t count) {
  for (size_t i = 0; i < count; i++) free(listed[i].key);
  free(listed);
}

static int by_key(const void *a, const void *b) {
  return strcmp(((const struct listed *)a)->key, ((const struct listed *)b)->key);
}

/* The rows of the document as sorted keys. */
static lens_status keys_of(yajl_val rows, struct listed **out, size_t *count) {
  *count = 0;
  if (!YAJL_IS_ARRAY(rows)) return LENS_CORRUPT;
  size_t room = rows->u.array.len;
  struct listed *listed = calloc(room + 1, sizeof *listed);
  if (listed == NULL) return LENS_NO_MEMORY;
  for (size_t i = 0; i < room; i++) {
    yajl_val row = rows->u.array.values[i];
    const char *root_path[] = {"root", NULL};
    yajl_val root = YAJL_IS_OBJECT(row) ? yajl_tree_get(row, root_path, yajl_t_object) : NULL;
    char place[PLACE_BYTES];
    if (root == NULL || text_at(row, "kind")[0] == 0) {
      listed_free(listed, *count);
      return LENS_CORRUPT;
    }
    place_of(row, place, sizeof place);
    listed[*count] = (struct listed){key_of(text_at(row, "kind"), text_at(root, "type"), place), 1};
    if (listed[*count].key == NULL) {
      listed_free(listed, *count);
      return LENS_NO_MEMORY;
    }
    ++*count;
  }
  qsort(listed, *count, sizeof *listed, by_key);
  *out = listed;
  return LENS_OK;
}

/* Each row that is taken uses one of its key up. */
static lens_status take_listed(const struct session *session, struct listed *listed, size_t count,
                               struct leak_row *rows, uint64_t row_count, char *why) {
  for (uint64_t i = 0; i < row_count; i++) {
    char place[PLACE_BYTES] = "";
    if (rows[i].aside != NULL) continue;
    if (rows[i].site.frame_count != 0)
      caller_text(session, rows[i].site.frames[0], place, sizeof place);
    struct listed wanted = {
        key_of(leak_kind(&rows[i]), type_name(session, rows[i].root.type), place), 0};
    if (wanted.key == NULL) return LENS_NO_MEMORY;
    struct listed *found = bsearch(&wanted, listed, count, sizeof *listed, by_key);
    while (found != NULL && found > listed && by_key(found - 1, &wanted) == 0) found--;
    for (; found != NULL && found < listed + count && by_key(found, &wanted) == 0; found++) {
      if (found->left == 0) continue;
      found->left = 0;
      rows[i].aside = why;
      break;
    }
    free(wanted.key);
  }
  return LENS_OK;
}

static lens_status apply_listed(struct session *session, const char *path, struct leak_row *rows,
                                uint64_t count, char *why) {
  static const char WRONG[] = "is not what leaks -json writes, and no snapshot";
  char *text = NULL, error[128];
  lens_status status = program_file_read(session, path, &text);
  if (status != LENS_OK) return status;
  yajl_val document = yajl_tree_parse(text, error, sizeof error);
  free(text);
  const char *rows_path[] = {"data", "rows", NULL};
  yajl_val listed_rows =
      YAJL_IS_OBJECT(document) ? yajl_tree_get(document, rows_path, yajl_t_array) : NULL;
  bool fits = listed_rows != NULL && strcmp(text_at(document, "schema"), "cairn/1") == 0 &&
              strcmp(text_at(document, "command"), "leaks") == 0;
  struct listed *listed = NULL;
  size_t listed_count = 0;
  status = fits ? keys_of(listed_rows, &listed, &listed_count) : LENS_CORRUPT;
  const char *matched_path[] = {"data", "matched", NULL}, *shown_path[] = {"data", "shown", NULL};
  if (status == LENS_OK) {
    yajl_val matched = yajl_tree_get(document, matched_path, yajl_t_number);
    yajl_val shown = yajl_tree_get(document, shown_path, yajl_t_number);
    if (YAJL_IS_INTEGER(matched) && YAJL_IS_INTEGER(shown) &&
        YAJL_GET_INTEGER(matched) > YAJL_GET_INTEGER(shown))
      session_note(session, "the baseline %.150s lists %lld of %lld leaks; write it with -limit 0",
                   path, YAJL_GET_INTEGER(shown), YAJL_GET_INTEGER(matched));
    status = take_listed(session, listed, listed_count, rows, count, why);
    listed_free(listed, listed_count);
  }
  yajl_tree_free(document);
  return status == LENS_CORRUPT ? refuse(session, path, WRONG) : status;
}

/* ---- an earlier moment of the process ---- */

static int by_address(const void *a, const void *b) {
  const uint64_t *left = a, *right = b;
  return *left < *right ? -1 : *left > *right;
}

/* Runs the comparison; *fates: an enum lens_watched for each of the addresses. */
static lens_status compare(struct session *session, const char *path, lens_moment *before,
                           lens_moment *now, const uint64_t *addresses, uint32_t *fates,
                           uint64_t count) {
  lens_diff *diff = NULL;
  lens_diff_totals totals;
  uint64_t written = 0, total = 0;
  lens_status status = lens_diff_new(before, now, NULL, 0, &diff);
  if (status == LENS_OK) status = lens_diff_watch(diff, addresses, count);
  if (status == LENS_OK) status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_diff_step(diff, SLICE_MS, NULL);
  if (status == LENS_OK) status = lens_diff_totals_get(diff, &totals);
  if (status == LENS_OK) status = lens_diff_watched(diff, count, fates, &written, &total);
  lens_diff_free(diff);
  if (status != LENS_OK) return status;
  if (totals.same_process == 0)
    return refuse(session, path,
                  "is of another process, so none of its objects is one of these; for another run, "
                  "take what leaks -limit 0 -json prints");
  if (totals.same_process == 2)
    session_note(session,
                 "which process the baseline %.150s is of is not known: it is taken for "
                 "this one, as its heaps have the same addresses",
                 path);
  return LENS_OK;
}

static lens_status apply_moment(struct session *session, const char *path, struct leak_row *rows,
                                uint64_t count, char *why) {
  lens_moment *before = NULL, *now = NULL;
  uint64_t *addresses = malloc((size_t)(count + 1) * sizeof *addresses), guessed = 0;
  uint32_t *fates = malloc((size_t)(count + 1) * sizeof *fates);
  lens_status status = addresses == NULL || fates == NULL ? LENS_NO_MEMORY : LENS_OK;
  if (status == LENS_OK) status = moment_find(session, path, &before);
  if (status == LENS_OK) status = moment_take(session->target, session->options->core, &now);
  if (status == LENS_OK) {
    for (uint64_t i = 0; i < count; i++) addresses[i] = rows[i].root.address;
    qsort(addresses, count, sizeof *addresses, by_address);
    status = compare(session, path, before, now, addresses, fates, count);
  }
  for (uint64_t i = 0; status == LENS_OK && i < count; i++) {
    const uint64_t *at =
        bsearch(&rows[i].root.address, addresses, count, sizeof *addresses, by_address);
    uint32_t fate = at == NULL ? (uint32_t)LENS_WATCHED_NEW : fates[at - addresses];
    guessed += fate == LENS_WATCHED_KEPT_BY_ADDRESS;
    bool kept = fate == LENS_WATCHED_KEPT || fate == LENS_WATCHED_KEPT_BY_ADDRESS;
    if (kept && rows[i].aside == NULL) rows[i].aside = why;
  }
  lens_walk_totals walked;
  if (guessed != 0 && lens_walk_totals_get(session->target, &walked) == LENS_OK &&
      walked.exactness == 0)
    session->exactness = "tolerant";
  if (guessed != 0)
    session_note(session,
                 "%" PRIu64 " leaks are known again by address, type, size and value alone",
                 guessed);
  lens_moment_free(before);
  lens_moment_free(now);
  free(addresses);
  free(fates);
  return status;
}

/* ---- which of the two ---- */

static bool is_elf(const char *path) {
  char head[SELFMAG] = {0};
  FILE *file = fopen(path, "rb");
  if (file == NULL) return false;
  size_t got = fread(head, 1, sizeof head, file);
  (void)fclose(file);
  return got == sizeof head && memcmp(head, ELFMAG, SELFMAG) == 0;
}

lens_status leak_baseline_apply(struct session *session, const char *path, struct leak_row *rows,
                                uint64_t count, char **why) {
  if (asprintf(why, "in the baseline %s", path) < 0) {
    *why = NULL;
    return LENS_NO_MEMORY;
  }
  return lens_moment_is_file(path) != 0 || is_elf(path)
             ? apply_moment(session, path, rows, count, *why)
             : apply_listed(session, path, rows, count, *why);
}
