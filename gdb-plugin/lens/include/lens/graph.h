/* The graph of the snapshot: what objects weigh, cycles, dominators and retained sizes.
 *
 * Edges are those of lens_columns: strong slots and suspected (opaque) words.  Every function that
 * takes a slice walks and indexes first where that was not done, and answers LENS_AGAIN / LENS_OK.
 */
#ifndef LENS_LENS_GRAPH_H
#define LENS_LENS_GRAPH_H

#include "lens/accounts.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- own bytes ---- */

/* What an object weighs: its block and the buffers that it owns (a list's items, a dict's table).
 * A buffer that several slots lead to counts for the lowest object whose declared slot does.  Bytes
 * outside the heaps are not counted (lens_external_get).  Walks first; needs no index. */
LENS_API lens_status lens_weights(lens *self, uint32_t slice_ms, lens_progress *progress);
typedef struct lens_weights_shown {
  uint64_t object_count;
  const uint32_t *own_bytes; /* UINT32_MAX: that or more; ask lens_weight_of */
  uint64_t bytes;            /* all objects with their buffers */
  uint64_t unowned_bytes;    /* buffers that no object is known to own */
} lens_weights_shown;
/* Valid until lens_refresh or lens_free. */
LENS_API lens_status lens_weights_get(const lens *self, lens_weights_shown *out);
/* The own bytes of one object of the snapshot; needs finished weights, else 0. */
LENS_API uint64_t lens_weight_of(const lens *self, uint32_t object);

/* ---- components and cycles ---- */

/* Strongly connected components: objects that hold each other, directly or through others. */
LENS_API lens_status lens_components(lens *self, uint32_t slice_ms, lens_progress *progress);
typedef struct lens_components_shown {
  uint64_t object_count;
  const uint32_t *component; /* by object; edges that leave a component lead to lower numbers */
  uint64_t component_count;
  /* Components with a cycle in them: several objects, or one that holds itself. */
  uint64_t cycle_count;
  uint64_t cycle_objects; /* in them all */
} lens_components_shown;
/* Valid until lens_refresh or lens_free. */
LENS_API lens_status lens_components_get(const lens *self, lens_components_shown *out);

/* What the components weigh and which of them are garbage, by the roots that were added so far.
 * The answer lasts until roots are added or cleared.  Uses lens_reach and lens_collect: what those
 * found last is gone. */
LENS_API lens_status lens_cycles(lens *self, uint32_t slice_ms, lens_progress *progress);
enum lens_cycles_wanted { LENS_CYCLES_GARBAGE = 1, LENS_CYCLES_LIVE = 2 };
typedef struct lens_cycle {
  uint64_t object_count, bytes; /* own bytes of its objects */
  uint32_t cycle;               /* its number, below cycle_count */
  uint32_t component;
  uint32_t first;   /* its lowest object */
  uint32_t garbage; /* 1: garbage as lens_leaks has it: nothing that holds from outside leads to it,
                       or a collection frees it whatever points there */
} lens_cycle;
/* The cycles of the wanted kinds (enum lens_cycles_wanted, added), most bytes first, ties by the
 * lowest object; `total` counts all. */
LENS_API lens_status lens_cycles_select(lens *self, uint32_t wanted, uint64_t capacity,
                                        lens_cycle *rows, uint64_t *written, uint64_t *total);
typedef struct lens_cycles_totals {
  uint64_t garbage_cycles, garbage_objects, garbage_bytes;
  uint64_t live_cycles, live_objects, live_bytes;
} lens_cycles_totals;
LENS_API lens_status lens_cycles_totals_get(const lens *self, lens_cycles_totals *out);
/* The objects of a cycle from the first-th on, ascending. */
LENS_API lens_status lens_cycle_objects(lens *self, uint32_t cycle, uint64_t first,
                                        uint64_t capacity, uint32_t *objects, uint64_t *written,
                                        uint64_t *total);

/* The cycle that an object of the snapshot is in; LENS_NOT_FOUND: in none. */
LENS_API lens_status lens_cycle_of(lens *self, uint32_t object, uint32_t *cycle);
LENS_API lens_status lens_cycle_get(lens *self, uint32_t cycle, lens_cycle *out);

/* Puts the cycles of the wanted kinds that are alike into groups: the same slots, by name, lead to
 * the same types; of garbage, also whether their counts own more than they hold of each other.  How
 * many objects they have does not matter.  Finds and judges the cycles first; the same `wanted`
 * at each call.  LENS_AGAIN / LENS_OK.  Reads the objects of the cycles but for the plain ones. The
 * answer lasts until roots are added or cleared. */
LENS_API lens_status lens_cycles_group(lens *self, uint32_t wanted, uint32_t slice_ms,
                                       lens_progress *progress);
typedef struct lens_cycle_group {
  uint64_t cycle_count, object_count, bytes;
  uint64_t objects_least, objects_most; /* of one cycle */
  uint32_t group;                       /* its number, 0, 1, ... */
  uint32_t cycle;                       /* the one with the most bytes, ties: the lowest object */
  uint32_t garbage;
  uint32_t held; /* of garbage, 1: their counts own more than they hold of each other, so the
                    collector does not free them before those go */
} lens_cycle_group;
/* Most bytes first, ties by the lowest object of `cycle`. */
LENS_API lens_status lens_cycle_groups(lens *self, uint64_t capacity, lens_cycle_group *rows,
                                       uint64_t *written, uint64_t *total);
/* The group of a cycle; LENS_NOT_FOUND: its kind was not wanted. */
LENS_API lens_status lens_cycle_group_of(lens *self, uint32_t cycle, uint32_t *group);
LENS_API lens_status lens_cycle_group_get(lens *self, uint32_t number, lens_cycle_group *out);
/* The cycles of a group, most bytes first, ties by the lowest object. */
LENS_API lens_status lens_cycle_group_cycles(lens *self, uint32_t number, uint64_t capacity,
                                             lens_cycle *rows, uint64_t *written, uint64_t *total);
/* By which slots the objects of a group's cycles hold each other. */
typedef struct lens_cycle_link {
  uint32_t type, slot,
      part;         /* as in lens_cycle_break; slot LENS_NONE: a word of an opaque object */
  uint32_t target;  /* the flat type of what it leads to; LENS_NONE: not known */
  const char *name; /* of the slot */
} lens_cycle_link;
LENS_API lens_status lens_cycle_group_links(lens *self, uint32_t number, uint64_t capacity,
                                            lens_cycle_link *rows, uint64_t *written,
                                            uint64_t *total);
/* 1: once a slot (type, slot and part as in a lens_cycle_break) is weak, each cycle of the group
 * goes, whatever its objects are: no chain of the other links leads back to the type where it
 * began.  0: some cycle may stay, or there are too many links to tell. */
LENS_API lens_status lens_cycle_group_parted(lens *self, uint32_t number, uint32_t type,
                                             uint32_t slot, uint32_t part, uint32_t *parted);

/* Opens one cycle: the references within it, a shortest ring, and what would go if one of its
 * declared slots were weak.  One cycle is open at a time. */
LENS_API lens_status lens_cycle_open(lens *self, uint32_t cycle, uint32_t slice_ms,
                                     lens_progress *progress);
typedef struct lens_cycle_opened {
  uint32_t cycle, reserved;
  uint64_t slot_count;   /* references between its objects */
  uint64_t ring_count;   /* the first of them: a shortest ring through its lowest object */
  uint64_t outside_refs; /* what their counts own beyond references between them */
  uint64_t break_count;  /* declared slots that hold some of the references */
  uint64_t untried;      /* of those, how many were not tried, as the cycle is too large */
} lens_cycle_opened;
LENS_API lens_status lens_cycle_opened_get(const lens *self, lens_cycle_opened *out);
typedef struct lens_cycle_slot {
  uint32_t holder, target; /* objects of the snapshot */
  lens_ref ref;            /* for lens_ref_text */
} lens_cycle_slot;
/* The references within the open cycle: those of the ring first, along it, then the others by
 * holder. */
LENS_API lens_status lens_cycle_slots(lens *self, uint64_t capacity, lens_cycle_slot *rows,
                                      uint64_t *written, uint64_t *total);
/* One declared slot of a type, as it is used within the open cycle. */
typedef struct lens_cycle_break {
  uint32_t type, slot, part;    /* flat type, row of its slots; of a table: 0 keys, 1 values */
  uint32_t holder, target;      /* the first object that holds another of the cycle by it, on the
                                   ring where that uses it; and the other */
  uint32_t on_ring;             /* references of the ring that it holds */
  uint64_t slot_count;          /* references that it holds within the cycle */
  uint64_t back_count;          /* of those, how many lead to a lower address */
  uint64_t object_count, bytes; /* of the cycle: what would go, once nothing outside holds it */
  uint32_t tried;
  uint32_t builtin; /* 1: of a type of the runtime's, whose slots can't be declared otherwise */
  uint32_t owner; /* 1: all that it holds in the heap (of the objects that were looked at) it holds
                     alone: it is an owner, and hardly a reference back to one */
  uint32_t reserved;
  const char *name; /* of the slot */
} lens_cycle_break;
/* Those that let most bytes go first; ties: more objects, slots that a program declares, those that
 * do not own alone, fewer references, more of them back. */
LENS_API lens_status lens_cycle_breaks(lens *self, uint64_t capacity, lens_cycle_break *rows,
                                       uint64_t *written, uint64_t *total);

/* ---- dominators and retained sizes ---- */

/* What would go if one thing went, for each object and for the roots of one object together: the
 * tree of dominators over all roots added so far, what the runtime holds and what is never freed.
 *
 * A root counts where the object's count is above what slots of objects own of it: one that can
 * only be borrowed, or be a word left behind, keeps nothing, unless the object is reached in no
 * other way.  The answer lasts until roots are added or cleared. */
LENS_API lens_status lens_retained(lens *self, uint32_t slice_ms, lens_progress *progress);
typedef struct lens_retained_totals {
  uint64_t objects, bytes;               /* reached */
  uint64_t lost_objects, lost_bytes;     /* not reached: garbage */
  uint64_t shared_objects, shared_bytes; /* reached, but no single root keeps them */
  uint64_t roots;
} lens_retained_totals;
LENS_API lens_status lens_retained_totals_get(const lens *self, lens_retained_totals *out);
typedef struct lens_retained_row {
  uint64_t bytes, objects; /* would go: itself (not a root) and all that only it leads to; 0: it is
                              not reached */
  uint64_t root_count;     /* roots that alone, all together, keep it directly; 0: others do, too */
  uint32_t dominator;      /* the object that alone keeps it, directly; LENS_NONE: none */
  uint32_t reached;
} lens_retained_row;
LENS_API lens_status lens_retained_object(lens *self, uint32_t object, lens_retained_row *out);
/* What would go if the roots that hold one object were cleared: one slot, or several with the same
 * reference, as a variable that a register holds as well. */
typedef struct lens_retained_root {
  uint32_t object, reserved; /* lens_roots_of names them */
  uint64_t root_count, bytes, objects;
} lens_retained_root;
/* Those that keep something, most bytes first, ties by object; `total` counts them. */
LENS_API lens_status lens_retained_roots(lens *self, uint64_t capacity, lens_retained_root *rows,
                                         uint64_t *written, uint64_t *total);
/* The objects that one object (LENS_NONE: nobody) keeps directly, most bytes first. */
LENS_API lens_status lens_retained_under(lens *self, uint32_t object, uint64_t capacity,
                                         uint32_t *objects, uint64_t *written, uint64_t *total);

/* What would go if all objects of a type went, for each type: everything that nothing outside leads
 * to without an object of that type; exact, not a sum over objects.  64 types are worked out in one
 * pass. */
LENS_API lens_status lens_retained_types(lens *self, uint32_t slice_ms, lens_progress *progress);
typedef struct lens_retained_type {
  uint32_t type, reserved;
  uint64_t count, own_bytes; /* its objects that are reached, and what they weigh */
  uint64_t bytes, objects;   /* would go, they among them */
} lens_retained_type;
/* Most bytes first, ties by type; types without a reached object are left out. */
LENS_API lens_status lens_retained_types_get(lens *self, uint64_t capacity,
                                             lens_retained_type *rows, uint64_t *written,
                                             uint64_t *total);

#ifdef __cplusplus
}
#endif

#endif
