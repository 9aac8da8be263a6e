/* The ledger of references, and the orders for bugs.  See plant.h. */
#include "plant.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

extern const struct plant_site *const __start_plants[], *const __stop_plants[];

/* A reference that is owned, or (not `taken`) one that should be. */
struct owned {
  uintptr_t hidden; /* the object's address, inverted */
  enum plant_role role;
  bool taken;
  const char *file;
  int line;
};

/* An object that the server made and that has not been freed. */
struct known {
  uintptr_t hidden;
  const char *type;
  bool linked;
};

/* What a bug did: to one object, from one line. */
struct struck {
  uintptr_t hidden, holder; /* holder: of a slot that is still held, or of a link */
  enum plant_kind kind;
  const char *file;
  int line;
};

struct plant_ledger {
  struct owned *owned;
  struct known *known;
  struct struck *struck;
  size_t owned_count, known_count, struck_count;
  size_t owned_room, known_room, struck_room;
  unsigned passed; /* times that the ordered place could have gone wrong */
  bool last_phase, over, taken_down;
};

static struct {
  const struct plant_site *site; /* NULL: no bug is ordered */
  enum plant_kind kind;
  unsigned every;
} order;

static _Thread_local struct plant_ledger *here;

static uintptr_t hide(const void *address) { return ~(uintptr_t)address; }

/* Room for one more row. */
static void *grown(void *rows, size_t count, size_t *room, size_t row_bytes) {
  if (count < *room) return rows;
  *room = *room == 0 ? 256 : 2 * *room;
  void *moved = realloc(rows, *room * row_bytes);
  if (moved == NULL) abort();
  return moved;
}

static const struct {
  const char *text;
  enum plant_kind kind;
} kinds[] = {
#define PLANT_KIND_ROW(NAME, bit, text) {text, PLANT_##NAME},
    PLANT_KINDS(PLANT_KIND_ROW)};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

bool plant_order(const char *text) {
  const char *colon = strchr(text, ':');
  if (colon == NULL) return false;
  for (const struct plant_site *const *site = __start_plants; site < __stop_plants; site++) {
    if (strlen((*site)->name) == (size_t)(colon - text) &&
        memcmp((*site)->name, text, (size_t)(colon - text)) == 0) {
      order.site = *site;
    }
  }
  size_t bytes = strcspn(colon + 1, ":");
  for (size_t i = 0; i < KINDS; i++) {
    if (strlen(kinds[i].text) == bytes && memcmp(kinds[i].text, colon + 1, bytes) == 0) {
      order.kind = kinds[i].kind;
    }
  }
  order.every = colon[1 + bytes] == ':' ? (unsigned)strtoul(colon + 2 + bytes, NULL, 10) : 1;
  return order.site != NULL && (order.site->kinds & order.kind) != 0 && order.every > 0;
}

void plant_list(FILE *file) {
  for (const struct plant_site *const *site = __start_plants; site < __stop_plants; site++) {
    for (size_t i = 0; i < KINDS; i++) {
      if (((*site)->kinds & kinds[i].kind) != 0) {
        (void)fprintf(file, "%s:%s\t%s:%d\n", (*site)->name, kinds[i].text, (*site)->file,
                      (*site)->line);
      }
    }
  }
}

static bool ordered(const char *name, enum plant_kind kind) {
  return order.site != NULL && order.kind == kind && strcmp(order.site->name, name) == 0;
}

unsigned char plant_slot_kind(const char *name) {
  return ordered(name, PLANT_STRONG) ? CAIRN_SLOT_STRONG : CAIRN_SLOT_WEAK;
}

struct plant_ledger *plant_begin(void) {
  here = calloc(1, sizeof *here);
  if (here == NULL) abort();
  return here;
}

void plant_end(struct plant_ledger *ledger) {
  free(ledger->owned);
  free(ledger->known);
  free(ledger->struck);
  free(ledger);
}

void plant_last_phase(void) { here->last_phase = true; }

bool plant_over(void) { return here->over && !here->taken_down; }

void plant_take_down(void) { here->taken_down = true; }

/* ---- the objects ---- */

static struct known *find_known(const struct plant_ledger *ledger, uintptr_t hidden) {
  for (size_t i = ledger->known_count; i-- > 0;) {
    if (ledger->known[i].hidden == hidden) return &ledger->known[i];
  }
  return NULL;
}

void plant_born(const cairn_object *object, const char *type) {
  here->known = grown(here->known, here->known_count, &here->known_room, sizeof *here->known);
  here->known[here->known_count++] = (struct known){hide(object), type, false};
}

void plant_linked(const cairn_object *object, bool linked) {
  struct known *row = find_known(here, hide(object));
  if (row != NULL) row->linked = linked; /* else a bug has freed it already */
}

void plant_gone(cairn_object *object) {
  struct known *row = find_known(here, hide(object));
  if (row == NULL) abort();
  *row = here->known[--here->known_count];
  size_t kept = 0;
  for (size_t i = 0; i < here->struck_count; i++) {
    const struct struck *struck = &here->struck[i];
    bool about = struck->hidden == hide(object) || struck->holder == hide(object);
    bool slot = struck->kind == PLANT_STRONG || struck->kind == PLANT_STILL_HELD;
    if (!about || !slot) here->struck[kept++] = *struck;
  }
  here->struck_count = kept;
}

/* ---- the references ---- */

static void own(const cairn_object *object, enum plant_role role, bool taken, const char *file,
                int line) {
  here->owned = grown(here->owned, here->owned_count, &here->owned_room, sizeof *here->owned);
  here->owned[here->owned_count++] = (struct owned){hide(object), role, taken, file, line};
}

cairn_object *plant_made(cairn_object *object, enum plant_role role, const char *file, int line) {
  if (object == NULL) abort();
  own(object, role, true, file, line);
  return object;
}

cairn_object *plant_given(cairn_object *object, enum plant_role role, const char *file, int line) {
  return object == NULL ? NULL : plant_made(object, role, file, line);
}

static unsigned owners(const cairn_object *object) {
  unsigned found = 0;
  for (size_t i = 0; i < here->owned_count; i++) found += here->owned[i].hidden == hide(object);
  return found;
}

static void strike(const cairn_object *object, const void *holder, enum plant_kind kind,
                   const char *file, int line) {
  here->struck = grown(here->struck, here->struck_count, &here->struck_room, sizeof *here->struck);
  here->struck[here->struck_count++] =
      (struct struck){hide(object), hide(holder), kind, file, line};
}

/* Whether the order is for this place and kind, and its turn has come.  What is never freed can't
 * be counted wrongly. */
static bool strikes(const struct plant_site *site, enum plant_kind kind,
                    const cairn_object *object) {
  return order.site == site && order.kind == kind && !here->over && !cairn_is_immortal(object) &&
         here->passed++ % order.every == order.every - 1;
}

/* What makes a count too low: once, late, and only where two slots or more of other objects hold
 * the object and nothing else of the server does, so that it survives and its count is too low
 * beyond doubt. */
static bool strikes_once(const struct plant_site *site, enum plant_kind kind,
                         const cairn_object *object, unsigned others, unsigned survivors) {
  return here->last_phase && owners(object) == others && cairn_refcount(object) >= survivors &&
         strikes(site, kind, object) && (here->over = true);
}

int plant_take(const struct plant_site *site, const cairn_object *object, enum plant_role role) {
  if (strikes_once(site, PLANT_MISSING_RETAIN, object, owners(object), 2 + owners(object))) {
    own(object, role, false, site->file, site->line);
    return 0;
  }
  own(object, role, true, site->file, site->line);
  if (!strikes(site, PLANT_EXTRA_RETAIN, object)) return 1;
  strike(object, NULL, PLANT_EXTRA_RETAIN, site->file, site->line);
  return 2;
}

int plant_drop(const struct plant_site *site, const cairn_object *object, enum plant_role role) {
  bool twice = strikes_once(site, PLANT_EXTRA_RELEASE, object, 1, 3);
  size_t i = here->owned_count;
  do {
    if (i-- == 0) abort(); /* the server gives up what it does not own */
  } while (here->owned[i].hidden != hide(object) || here->owned[i].role != role);
  struct owned row = here->owned[i];
  here->owned[i] = here->owned[--here->owned_count];
  if (!row.taken) strike(object, NULL, PLANT_MISSING_RETAIN, site->file, site->line);
  if (twice) {
    strike(object, NULL, PLANT_EXTRA_RELEASE, site->file, site->line);
    return 2;
  }
  if (!strikes(site, PLANT_MISSING_RELEASE, object)) return 1;
  strike(object, NULL, PLANT_MISSING_RELEASE, row.file, row.line);
  return 0;
}

int plant_clear(const struct plant_site *site, const cairn_object *holder,
                const cairn_object *object) {
  if (object == NULL) return 0;
  if (strikes_once(site, PLANT_NOT_CLEARED, object, 0, 3)) {
    strike(object, NULL, PLANT_NOT_CLEARED, site->file, site->line);
    return PLANT_NOT_CLEARED;
  }
  if (!strikes(site, PLANT_STILL_HELD, object)) return 0;
  strike(object, holder, PLANT_STILL_HELD, site->file, site->line);
  return PLANT_STILL_HELD;
}

bool plant_link(const struct plant_site *site, const cairn_object *holder,
                const cairn_object *target) {
  if (!ordered(site->name, PLANT_STRONG)) return false;
  strike(target, holder, PLANT_STRONG, site->file, site->line);
  return true;
}

bool plant_is_held(const cairn_object *object) {
  const struct known *row = find_known(here, hide(object));
  return (row != NULL && row->linked) || owners(object) > 0;
}

/* ---- the truth ---- */

bool plant_spread(void) {
  bool changed = false;
  for (size_t i = 0; i < here->struck_count; i++) {
    const struct struck *row = &here->struck[i];
    struct known *target = find_known(here, row->hidden);
    if (row->kind == PLANT_STRONG && !target->linked &&
        plant_is_held((const cairn_object *)~row->holder)) {
      target->linked = changed = true;
    }
  }
  return changed;
}

void plant_each_held(const char *type, void (*each)(cairn_object *object)) {
  for (size_t i = 0; i < here->known_count; i++) {
    cairn_object *object = (cairn_object *)~here->known[i].hidden;
    if (strcmp(here->known[i].type, type) == 0 && plant_is_held(object)) each(object);
  }
}

static const char *linked_text(const struct plant_ledger *ledger, uintptr_t hidden) {
  const struct known *row = find_known(ledger, hidden);
  return row == NULL ? "unknown" : row->linked ? "linked" : "unlinked";
}

/* Linked is what is owned, too. */
static void settle(struct plant_ledger *ledger) {
  for (size_t i = 0; i < ledger->owned_count; i++) {
    struct known *row = find_known(ledger, ledger->owned[i].hidden);
    if (row != NULL) row->linked = true;
  }
}

void plant_tell(struct plant_ledger *ledger, FILE *file) {
  settle(ledger);
  for (size_t i = 0; i < ledger->known_count; i++) {
    const struct known *row = &ledger->known[i];
    if (!row->linked) (void)fprintf(file, "garbage\t0x%" PRIxPTR "\t%s\n", ~row->hidden, row->type);
  }
  for (size_t i = 0; i < ledger->struck_count; i++) {
    const struct struck *row = &ledger->struck[i];
    const cairn_object *object = (const cairn_object *)~row->hidden;
    const char *base = strrchr(row->file, '/');
    const char *name = base == NULL ? row->file : base + 1;
    if (row->kind == PLANT_STRONG) {
      (void)fprintf(file, "link\t0x%" PRIxPTR "\t0x%" PRIxPTR "\t%s\t%d\t%s\t%s\n", ~row->holder,
                    ~row->hidden, name, row->line, linked_text(ledger, row->holder),
                    linked_text(ledger, row->hidden));
    } else if (row->kind == PLANT_STILL_HELD) {
      (void)fprintf(file, "held\t0x%" PRIxPTR "\t0x%" PRIxPTR "\t%s\t%d\t%s\n", ~row->holder,
                    ~row->hidden, name, row->line, linked_text(ledger, row->hidden));
    } else {
      int surplus = row->kind == PLANT_MISSING_RELEASE || row->kind == PLANT_EXTRA_RETAIN ? 1 : -1;
      (void)fprintf(file, "bug\t0x%" PRIxPTR "\t%s\t%d\t%s\t%d\t%s\n", ~row->hidden,
                    cairn_object_type_name(object), surplus, name, row->line,
                    linked_text(ledger, row->hidden));
    }
  }
  (void)fprintf(file, "passed\t%u\n", ledger->passed);
}
