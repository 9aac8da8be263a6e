/* The Boehm collector as a peer: what its two files share. */
#ifndef BOEHM_PEER_H
#define BOEHM_PEER_H

#include <gc.h>

#include "bench.h"

/* No header: two words. */
struct node {
  struct node *left, *right;
};

void trees(void); /* B2 */
void live(void);  /* B5 */
void space(void); /* B6 */

#endif
