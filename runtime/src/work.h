/* The collector's work list: objects whose turn is still to come.
 *
 * A stack of fixed size, since a collection allocates nothing: what it has no room for is marked in
 * its side byte, and found again by walking those.  In front of the stack stand a few objects that
 * were fetched into the cache when they left it, so that their turn does not wait for memory.
 *
 * What this is not: a set.  The side byte says whether an object was met before.
 */
#ifndef CAIRN_WORK_H
#define CAIRN_WORK_H

#include "members.h"

enum { CAIRN_WORK_ROOM = 1024, CAIRN_WORK_AHEAD = 16 };

struct cairn_work {
  uint32_t count;
  bool overflowed;                            /* there was no room for some */
  cairn_object *objects[CAIRN_WORK_ROOM + 1]; /* the last may be written, but is never in use */
};

/* The objects that are being fetched: [first, last), modulo their number. */
struct cairn_ahead {
  uint32_t first, last;
  cairn_object *objects[CAIRN_WORK_AHEAD];
};

/* The next object; NULL when all is done. */
CAIRN_INLINE cairn_object *cairn_work_next(struct cairn_work *work, struct cairn_ahead *ahead) {
  while (work->count > 0 && ahead->last - ahead->first < CAIRN_WORK_AHEAD) {
    cairn_object *object = work->objects[--work->count];
    __builtin_prefetch(object);
    __builtin_prefetch((char *)object + 16); /* its first words may be in the next line */
    ahead->objects[ahead->last++ % CAIRN_WORK_AHEAD] = object;
  }
  if (ahead->first == ahead->last) return NULL;
  return ahead->objects[ahead->first++ % CAIRN_WORK_AHEAD];
}

/* ---- references whose side bytes are being fetched ------------------------------------------- */

enum { CAIRN_DELAY = 32 };

/* The last references that were seen.  Each is acted on when CAIRN_DELAY more were seen: by then
 * its side byte is in the cache, however far away it lies.  A walk has `next` in a register. */
struct cairn_delay {
  uint32_t next; /* the oldest */
  cairn_object *objects[CAIRN_DELAY];
};

/* `none` stands for no reference: an address whose side byte is always 0. */
static inline void cairn_delay_begin(struct cairn_delay *delay, void *none) {
  delay->next = 0;
  for (uint32_t i = 0; i < CAIRN_DELAY; i++) delay->objects[i] = none;
}

/* Takes a reference in, and gives the oldest for it. */
CAIRN_INLINE cairn_object *cairn_delay_swap(struct cairn_delay *delay, uint32_t *next,
                                            cairn_object *object) {
  __builtin_prefetch(cairn_side_byte(object), 1);
  cairn_object *oldest = delay->objects[*next];
  delay->objects[*next] = object;
  *next = (*next + 1) % CAIRN_DELAY;
  return oldest;
}

#endif
