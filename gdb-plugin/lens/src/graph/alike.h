/* Cycles that are alike: the same slots, by name, lead to the same types.
 *
 * A link is a kind of reference: a slot of a type, and the type that it leads to; types and slots
 * of several heaps that have the same names are the same.  Two cycles are alike when the sets of
 * links in them are equal, both are garbage or both live, and of garbage both or none are held by
 * more than themselves.  How many objects there are does not matter: a tree whose children know
 * their parent is like another one with more children.
 *
 * Invariants, when done:
 *  - group_of[cycle] is 1 + the group of each cycle of the wanted kinds, 0 of the others.
 *  - The links of a group are links[first_link .. + link_count), ascending; no two groups have
 *    the same and the same kind.
 */
#ifndef LENS_ALIKE_H
#define LENS_ALIKE_H

#include "graph/edge_slots.h"
#include "memory/column.h"
#include "memory/map.h"
#include "memory/slice.h"

struct lens_alike_link {
  lens_cycle_link shown;
  uint32_t cycle; /* 1 + the last cycle that it was met in */
};

struct lens_alike_group {
  lens_cycle_group shown;
  uint64_t first_link;
  uint32_t link_count, next; /* next: 1 + the next group of the same hash */
};

struct lens_alike {
  uint32_t wanted; /* enum lens_cycles_wanted that the groups are of; 0: none were asked for */
  bool complete;
  uint32_t *same_type;      /* by flat type: the first one of its name */
  struct lens_map slots;    /* type and row of its slots -> a slot's number */
  struct lens_map targets;  /* slot and type -> row of `links` */
  struct lens_map hashes;   /* of links and kind -> 1 + the first group */
  struct lens_column links; /* struct lens_alike_link */
  uint64_t link_count;
  struct lens_column groups; /* struct lens_alike_group */
  uint64_t group_count;
  struct lens_column group_links; /* uint32_t: rows of `links` */
  uint64_t group_link_count;
  struct lens_column group_of; /* uint32_t a cycle */
  /* The cycle in hand. */
  uint32_t cycle;
  uint64_t member;
  bool held;
  struct lens_column met; /* uint32_t: the links in it */
  uint64_t met_count;
  struct lens_edge_slots reading;
};

static inline struct lens_alike_link *lens_alike_links(const struct lens_alike *self) {
  return self->links.items;
}
static inline struct lens_alike_group *lens_alike_groups(const struct lens_alike *self) {
  return self->groups.items;
}

/* Whether a link goes over that slot (flat type, row of its slots, part), of whichever heap. */
bool lens_alike_same(const lens *self, const lens_cycle_link *link, uint32_t type, uint32_t slot,
                     uint32_t part);

void lens_alike_free(struct lens_alike *self);

#endif
