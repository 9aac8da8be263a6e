/* The Boehm collector as a peer: what its two files share. */
#ifndef BOEHM_PEER_H
#define BOEHM_PEER_H

#include <gc.h>

#include "bench.h"

/* No header: two words. */
struct node {
  struct node *left, *right;
};

/* As it comes, or (-DTUNED) told that no object is held by a pointer into its middle: it then needs
 * no byte at the end of each, and has fewer addresses to ask about. */
static inline void peer_begin(void) {
#ifdef TUNED
  GC_set_all_interior_pointers(0);
#endif
  GC_INIT();
}

void trees(void); /* B2 */
void live(void);  /* B5 */
void space(void); /* B6 */

#endif
