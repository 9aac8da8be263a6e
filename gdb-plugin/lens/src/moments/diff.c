/* The merge of two moments.  See diff.h.
 *
 * What this is not: exact about objects without serials.  One that died and whose address was taken
 * by one that looks the same counts as kept; the totals say how many were judged so.
 */
#include "moments/diff.h"

#include <string.h>

#include "memory/alloc.h"

enum { ROWS_A_CLOCK = 1 << 12 };

void lens_diff_free(lens_diff *self) {
  if (self == NULL) return;
  struct lens_diff_side *sides[] = {&self->a, &self->b};
  for (size_t i = 0; i < 2; i++) {
    lens_dealloc(sides[i]->types);
    lens_dealloc(sides[i]->sites);
  }
  struct lens_diff_table *tables[] = {&self->types, &self->places};
  for (size_t i = 0; i < 2; i++) {
    lens_dealloc(tables[i]->rows);
    lens_dealloc(tables[i]->order);
  }
  lens_dealloc(self->heaps);
  lens_map_free(&self->pairs);
  lens_dealloc(self->watch.addresses);
  lens_dealloc(self->watch.fates);
  lens_dealloc(self->shown.best);
  lens_dealloc(self->shown.objects);
  lens_dealloc(self);
}

lens_status lens_diff_new(const lens_moment *a, const lens_moment *b, const char *type_glob,
                          uint64_t object_capacity, lens_diff **out) {
  lens_diff *self = lens_alloc_zeroed(1, sizeof *self);
  if (self == NULL) return LENS_NO_MEMORY;
  self->a.moment = a;
  self->b.moment = b;
  self->shown.limit = object_capacity;
  lens_status status = lens_diff_names(self, type_glob);
  if (status != LENS_OK) {
    lens_diff_free(self);
    return status;
  }
  self->totals.exactness =
      a->info.exactness > b->info.exactness ? a->info.exactness : b->info.exactness;
  *out = self;
  return LENS_OK;
}

lens_diff_row *lens_diff_row_add(struct lens_diff_table *table, const char *type) {
  lens_diff_row *rows = lens_grow(table->rows, &table->capacity, table->count + 1, sizeof *rows);
  if (rows == NULL) return NULL;
  table->rows = rows;
  rows[table->count] = (lens_diff_row){.type = type};
  return &rows[table->count++];
}

/* ---- one object ---- */

static uint64_t bytes_of(const struct lens_moment_row *row) {
  return row->block_bytes + row->extra_bytes;
}

/* The rows that count an object of that side; `place` is NULL where no moment has sites. */
struct counted {
  lens_diff_row *type, *place;
};

/* False: out of memory. */
static bool rows_of(lens_diff *self, const struct lens_diff_side *side, struct counted *out) {
  uint32_t type = side->types[side->row.type], site = side->sites[side->row.site];
  out->type = &self->types.rows[type];
  out->place = NULL;
  if (self->a.moment->info.site_count == 0 && self->b.moment->info.site_count == 0) return true;
  uint32_t *at = lens_map_at(&self->pairs, (uint64_t)type << 32 | site, LENS_NONE);
  if (at == NULL) return false;
  if (*at == LENS_NONE) {
    if (lens_diff_row_add(&self->places, out->type->type) == NULL) return false;
    *at = (uint32_t)(self->places.count - 1);
  }
  out->place = &self->places.rows[*at];
  return true;
}

static void count_a(lens_diff_row *row, uint64_t bytes, uint32_t site) {
  row->count_a++;
  row->bytes_a += bytes;
  if (row->site_a == 0) row->site_a = site;
}
static void count_b(lens_diff_row *row, uint64_t bytes, uint32_t site) {
  row->count_b++;
  row->bytes_b += bytes;
  if (row->site_b == 0) row->site_b = site;
}

static bool is_left_out(const struct lens_diff_side *side) {
  return side->types[side->row.type] == LENS_NONE;
}

/* What became of an object: a row of each moment, or of one. */
struct fate {
  bool in_a, in_b, reused;
};

static lens_status offer(lens_diff *self, const struct fate *fate, uint64_t bytes_a,
                         uint64_t bytes_b) {
  if (self->shown.limit == 0) return LENS_OK;
  const struct lens_diff_side *side = fate->in_b ? &self->b : &self->a;
  lens_diff_object object = {
      .address = side->row.address,
      .serial = side->row.serial,
      .bytes_a = bytes_a,
      .bytes_b = bytes_b,
      .type = side->moment->types[side->row.type].name,
      .change = fate->in_a && fate->in_b ? LENS_CHANGE_RESIZED
                : fate->in_b             ? LENS_CHANGE_ADDED
                                         : LENS_CHANGE_GONE,
      .reused = fate->reused,
      .site_a = fate->in_a ? self->a.row.site : 0,
      .site_b = fate->in_b ? self->b.row.site : 0,
  };
  return lens_diff_offer(self, &object);
}

/* Counts what stands in the rows of one side or both. */
static lens_status count(lens_diff *self, const struct fate *fate) {
  uint64_t bytes_a = fate->in_a ? bytes_of(&self->a.row) : 0;
  uint64_t bytes_b = fate->in_b ? bytes_of(&self->b.row) : 0;
  bool kept = fate->in_a && fate->in_b;
  lens_diff_totals *totals = &self->totals;
  struct counted rows;
  for (int side = 0; side < 2; side++) {
    if (side == 0 ? !fate->in_a : !fate->in_b) continue;
    if (!rows_of(self, side == 0 ? &self->a : &self->b, &rows)) return LENS_NO_MEMORY;
    lens_diff_row *each[] = {rows.type, rows.place};
    for (size_t i = 0; i < 2 && each[i] != NULL; i++) {
      if (side == 0) count_a(each[i], bytes_a, self->a.row.site);
      if (side == 1) count_b(each[i], bytes_b, self->b.row.site);
      if (totals->same_process == 0) continue;
      each[i]->kept += side == 1 && kept;
      each[i]->added += side == 1 && !kept;
      each[i]->gone += side == 0 && !kept;
    }
  }
  totals->count_a += fate->in_a;
  totals->count_b += fate->in_b;
  totals->bytes_a += bytes_a;
  totals->bytes_b += bytes_b;
  if (totals->same_process == 0) return LENS_OK;
  totals->kept += kept;
  totals->added += !kept && fate->in_b;
  totals->gone += !kept && fate->in_a;
  bool resized = kept && bytes_a != bytes_b;
  totals->resized += resized;
  if (kept && !resized) return LENS_OK;
  totals->object_rows++;
  return offer(self, fate, bytes_a, bytes_b);
}

/* ---- both ---- */

static bool is_same(lens_diff *self) {
  const struct lens_moment_row *a = &self->a.row, *b = &self->b.row;
  const struct lens_moment_type *type_a = &self->a.moment->types[a->type];
  const struct lens_moment_type *type_b = &self->b.moment->types[b->type];
  uint32_t heap = type_a->heap == LENS_NONE ? LENS_NONE : self->heaps[type_a->heap];
  if (self->totals.same_process == 0 || heap != type_b->heap) return false;
  if (a->serial != 0 && b->serial != 0) return a->serial == b->serial;
  bool alike = a->block_bytes == b->block_bytes && strcmp(type_a->name, type_b->name) == 0 &&
               (a->content == b->content || a->content == 0 || b->content == 0);
  self->totals.kept_by_address += alike && !is_left_out(&self->b);
  return alike;
}

static lens_status next(struct lens_diff_side *side) {
  lens_status status = lens_moment_row_next(&side->reader, &side->row);
  side->there = status == LENS_OK;
  return status == LENS_NOT_FOUND ? LENS_OK : status;
}

/* What stands at the lower of the two addresses. */
static lens_status merge_one(lens_diff *self) {
  struct lens_diff_side *a = &self->a, *b = &self->b;
  bool from_a = a->there && (!b->there || a->row.address <= b->row.address);
  bool from_b = b->there && (!a->there || b->row.address <= a->row.address);
  lens_status status = LENS_OK;
  bool same = from_a && from_b && is_same(self);
  if (from_b && self->watch.next < self->watch.count) {
    bool serial = same && a->row.serial != 0 && b->row.serial != 0;
    lens_diff_watch_row(self, serial ? LENS_WATCHED_KEPT
                              : same ? LENS_WATCHED_KEPT_BY_ADDRESS
                                     : LENS_WATCHED_NEW);
  }
  if (same) {
    if (!is_left_out(b)) status = count(self, &(struct fate){.in_a = true, .in_b = true});
  } else {
    bool reused = from_a && from_b && self->totals.same_process != 0;
    bool gone = from_a && !is_left_out(a), added = from_b && !is_left_out(b);
    self->totals.reused += reused && (gone || added);
    if (gone) status = count(self, &(struct fate){.in_a = true, .reused = reused});
    if (added && status == LENS_OK)
      status = count(self, &(struct fate){.in_b = true, .reused = reused});
  }
  self->seen += (uint64_t)from_a + (uint64_t)from_b;
  if (status == LENS_OK && from_a) status = next(a);
  if (status == LENS_OK && from_b) status = next(b);
  return status;
}

static lens_status begin(lens_diff *self) {
  lens_moment_reader_begin(&self->a.reader, self->a.moment);
  lens_moment_reader_begin(&self->b.reader, self->b.moment);
  self->started = true;
  lens_status status = next(&self->a);
  return status == LENS_OK ? next(&self->b) : status;
}

lens_status lens_diff_step(lens_diff *self, uint32_t slice_ms, lens_progress *progress) {
  if (self->complete || self->failed != LENS_OK) return self->failed;
  lens_slice slice = lens_slice_begin(slice_ms);
  lens_status status = self->started ? LENS_OK : begin(self);
  uint64_t objects = self->a.moment->info.objects + self->b.moment->info.objects;
  for (uint32_t done = 0; status == LENS_OK && (self->a.there || self->b.there); done++) {
    if (done == ROWS_A_CLOCK) {
      done = 0;
      if (lens_slice_over(&slice)) {
        if (progress != NULL) *progress = (lens_progress){"comparing", self->seen, objects};
        return LENS_AGAIN;
      }
    }
    status = merge_one(self);
  }
  if (status == LENS_OK) status = lens_diff_sort(self);
  self->complete = status == LENS_OK;
  self->failed = status; /* what was counted by half is not counted on */
  if (self->totals.kept_by_address != 0 && self->totals.exactness == LENS_CONFIDENCE_EXACT)
    self->totals.exactness = LENS_CONFIDENCE_TOLERANT;
  return status;
}

lens_status lens_diff_totals_get(const lens_diff *self, lens_diff_totals *out) {
  if (!self->complete) return LENS_BAD_ARGUMENT;
  *out = self->totals;
  return LENS_OK;
}
