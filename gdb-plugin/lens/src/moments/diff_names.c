/* What two moments have in common: processes, heaps, types by name, sites by place.
 *
 * A site's place is its callers: by function, file and line where all of them have lines; else by
 * module and distance; else by address, which means something within one process only.  A site with
 * lines and one without are the same when module and distance are: one of the moments had no debug
 * information.
 */
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "memory/alloc.h"
#include "moments/diff.h"

/* ---- names to numbers ---- */

struct names {
  struct lens_map map; /* hash -> number; what collides stands at the next hash */
  const char **texts;
  size_t count, capacity;
};

/* The number of a text, which must stay; one of its own where it is new.  LENS_NONE: out of memory.
 */
static uint32_t number_of(struct names *names, const char *text) {
  uint64_t hash = 14695981039346656037u;
  for (const char *at = text; *at != 0; at++) hash = (hash ^ (uint8_t)*at) * 1099511628211u;
  for (;; hash++) {
    uint32_t *known = lens_map_at(&names->map, hash, LENS_NONE);
    if (known == NULL) return LENS_NONE;
    if (*known == LENS_NONE) {
      const char **texts =
          lens_grow(names->texts, &names->capacity, names->count + 1, sizeof *texts);
      if (texts == NULL) return LENS_NONE;
      names->texts = texts;
      texts[names->count] = text;
      *known = (uint32_t)names->count++;
    }
    if (strcmp(names->texts[*known], text) == 0) return *known;
  }
}

static void names_free(struct names *names) {
  lens_map_free(&names->map);
  lens_dealloc(names->texts);
}

/* ---- types ---- */

static lens_status name_types(lens_diff *self, struct lens_diff_side *side, struct names *names,
                              const char *type_glob) {
  const lens_moment *moment = side->moment;
  side->types = lens_alloc_zeroed(moment->info.type_count, sizeof *side->types);
  if (side->types == NULL) return LENS_NO_MEMORY;
  for (uint64_t i = 0; i < moment->info.type_count; i++) {
    const char *name = moment->types[i].name;
    side->types[i] = LENS_NONE;
    if (type_glob != NULL && fnmatch(type_glob, name, 0) != 0) continue;
    uint32_t number = number_of(names, name);
    if (number == LENS_NONE) return LENS_NO_MEMORY;
    if (number == self->types.count && lens_diff_row_add(&self->types, name) == NULL)
      return LENS_NO_MEMORY;
    side->types[i] = number;
  }
  return LENS_OK;
}

/* ---- sites ---- */

enum place_kind { PLACE_LINES, PLACE_MODULES, PLACE_ADDRESSES };
enum { FRAME_TEXT_BYTES = 9000 };

/* The best that all callers of the site have. */
static enum place_kind kind_of(const lens_moment *moment, const lens_moment_site *site) {
  enum place_kind kind = PLACE_LINES;
  for (uint32_t i = 0; i < site->frame_count; i++) {
    const lens_moment_place *place = &moment->frames[site->first_frame + i];
    if (kind == PLACE_LINES && place->file[0] == 0) kind = PLACE_MODULES;
    if (kind == PLACE_MODULES && place->module[0] == 0) kind = PLACE_ADDRESSES;
  }
  return kind;
}

static void frame_text(const lens_moment_place *place, enum place_kind kind, char *out,
                       size_t bytes) {
  if (kind == PLACE_LINES) {
    (void)snprintf(out, bytes, "%s\x01%s\x01%" PRIu32 "\x01", place->function, place->file,
                   place->line);
  } else if (kind == PLACE_MODULES) {
    (void)snprintf(out, bytes, "%s+%" PRIx64 "\x01", place->module, place->offset);
  } else {
    (void)snprintf(out, bytes, "%" PRIx64 "\x01", place->address);
  }
}

/* The site as a text that only the same site has; `mark` tells places apart that are none of both
 * moments'.  NULL when out of memory. */
static const char *place_key(struct lens_pool **pool, const lens_moment *moment,
                             const lens_moment_site *site, enum place_kind kind, char mark) {
  char key[LENS_SITE_FRAMES * 256 + 8], frame[FRAME_TEXT_BYTES];
  size_t used = 2;
  key[0] = (char)('a' + (int)kind);
  key[1] = kind == PLACE_ADDRESSES ? mark : '-';
  for (uint32_t i = 0; i < site->frame_count; i++) {
    frame_text(&moment->frames[site->first_frame + i], kind, frame, sizeof frame);
    /* The end of a path says more than its start. */
    size_t bytes = strlen(frame), kept = bytes < 255 ? bytes : 255;
    memcpy(key + used, frame + bytes - kept, kept);
    used += kept;
  }
  key[used] = 0;
  return lens_pool_text(pool, key);
}

struct site_names {
  struct names places, aliases; /* aliases: modules and distances of sites */
  uint32_t *alias_site;         /* by alias: the site's number */
  uint8_t *alias_lines;         /* by alias: 1: the site has lines, 0: it has not */
  size_t site_capacity, lines_capacity;
  uint32_t site_count; /* numbers given; 0 is no site */
  uint32_t *number_at; /* by place: the site's number; 0: not given yet */
  size_t number_capacity;
  struct lens_pool *pool;
};

static void site_names_free(struct site_names *names) {
  names_free(&names->places);
  names_free(&names->aliases);
  lens_dealloc(names->alias_site);
  lens_dealloc(names->alias_lines);
  lens_dealloc(names->number_at);
  lens_pool_free(&names->pool);
}

/* Room for what belongs to place or alias number `number`. */
static bool reserve_numbers(struct site_names *names, uint32_t place, uint32_t alias) {
  size_t known = names->number_capacity, aliases = names->site_capacity;
  uint32_t *numbers =
      lens_grow(names->number_at, &names->number_capacity, (size_t)place + 1, sizeof *numbers);
  if (numbers == NULL) return false;
  memset(numbers + known, 0, (names->number_capacity - known) * sizeof *numbers);
  names->number_at = numbers;
  uint32_t *sites =
      lens_grow(names->alias_site, &names->site_capacity, (size_t)alias + 1, sizeof *sites);
  if (sites == NULL) return false;
  memset(sites + aliases, 0, (names->site_capacity - aliases) * sizeof *sites);
  names->alias_site = sites;
  uint8_t *lines =
      lens_grow(names->alias_lines, &names->lines_capacity, (size_t)alias + 1, sizeof *lines);
  if (lines == NULL) return false;
  names->alias_lines = lines;
  return true;
}

/* The number of a site: that of its place, or of what is the same place seen otherwise. */
static lens_status name_site(struct site_names *names, const lens_moment *moment,
                             const lens_moment_site *site, char mark, uint32_t *out) {
  enum place_kind kind = kind_of(moment, site);
  const char *key = place_key(&names->pool, moment, site, kind, mark);
  const char *module_key = place_key(&names->pool, moment, site, PLACE_MODULES, mark);
  if (key == NULL || module_key == NULL) return LENS_NO_MEMORY;
  uint32_t place = number_of(&names->places, key);
  uint32_t alias = number_of(&names->aliases, module_key);
  if (place == LENS_NONE || alias == LENS_NONE || !reserve_numbers(names, place, alias))
    return LENS_NO_MEMORY;
  bool lines = kind == PLACE_LINES;
  if (names->number_at[place] == 0) {
    bool seen = kind != PLACE_ADDRESSES && names->alias_site[alias] != 0 &&
                (names->alias_lines[alias] != 0) != lines;
    names->number_at[place] = seen ? names->alias_site[alias] : ++names->site_count;
  }
  if (names->alias_site[alias] == 0 && kind != PLACE_ADDRESSES) {
    names->alias_site[alias] = names->number_at[place];
    names->alias_lines[alias] = lines;
  }
  *out = names->number_at[place];
  return LENS_OK;
}

static lens_status name_sites(struct lens_diff_side *side, struct site_names *names, char mark) {
  const lens_moment *moment = side->moment;
  side->sites = lens_alloc_zeroed(moment->info.site_count + 1, sizeof *side->sites);
  if (side->sites == NULL) return LENS_NO_MEMORY;
  for (uint64_t i = 0; i < moment->info.site_count; i++) {
    lens_status status = name_site(names, moment, &moment->sites[i], mark, &side->sites[i + 1]);
    if (status != LENS_OK) return status;
  }
  return LENS_OK;
}

/* ---- heaps and processes ---- */

/* Finds A's heaps in B.  Returns how many are in both. */
static uint64_t match_heaps(lens_diff *self) {
  const lens_moment *a = self->a.moment, *b = self->b.moment;
  struct lens_map known = {0};
  uint64_t both = 0;
  for (uint64_t i = 0; i < a->info.heap_count; i++) self->heaps[i] = LENS_NONE;
  for (uint64_t i = 0; i < b->info.heap_count; i++) {
    uint32_t *at = lens_map_at(&known, b->heaps[i].address, (uint32_t)i);
    if (at == NULL) break;
  }
  for (uint64_t i = 0; i < a->info.heap_count && known.rows != NULL; i++) {
    uint32_t *at = lens_map_at(&known, a->heaps[i].address, LENS_NONE);
    if (at == NULL || *at == LENS_NONE || b->heaps[*at].id != a->heaps[i].id) continue;
    self->heaps[i] = *at;
    both++;
  }
  lens_map_free(&known);
  return both;
}

static void compare_processes(lens_diff *self) {
  const lens_moment_info *a = &self->a.moment->info, *b = &self->b.moment->info;
  uint64_t both = match_heaps(self);
  bool named = self->a.moment->origin.process != 0 && self->b.moment->origin.process != 0;
  bool empty = a->heap_count == 0 || b->heap_count == 0;
  if (named && self->a.moment->origin.process != self->b.moment->origin.process) {
    self->totals.same_process = 0;
  } else {
    self->totals.same_process = both == 0 && !empty ? 0 : named ? 1 : 2;
  }
}

lens_status lens_diff_names(lens_diff *self, const char *type_glob) {
  self->heaps = lens_alloc_zeroed(self->a.moment->info.heap_count, sizeof *self->heaps);
  if (self->heaps == NULL) return LENS_NO_MEMORY;
  compare_processes(self);
  struct names types = {0};
  lens_status status = name_types(self, &self->a, &types, type_glob);
  if (status == LENS_OK) status = name_types(self, &self->b, &types, type_glob);
  names_free(&types);
  struct site_names sites = {0};
  bool same = self->totals.same_process != 0;
  if (status == LENS_OK) status = name_sites(&self->a, &sites, 'a');
  if (status == LENS_OK) status = name_sites(&self->b, &sites, same ? 'a' : 'b');
  site_names_free(&sites);
  return status;
}
