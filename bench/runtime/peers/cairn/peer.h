/* Cairn as a peer: what its benchmarks share.  Public API only. */
#ifndef CAIRN_PEER_H
#define CAIRN_PEER_H

#include <cairn/cairn.h>

#include "bench.h"

/* Two references: 24 bytes. */
struct node {
  cairn_object base;
  cairn_object *left, *right;
};

/* A heap with the options that it has by itself. */
cairn_heap *peer_heap(void);
/* One that collects only when it is told to: where the collection is what is measured. */
cairn_heap *peer_heap_manual(void);

cairn_type peer_node_type(cairn_heap *heap);

static inline struct node *peer_node(cairn_heap *heap, cairn_type type) {
  return (struct node *)cairn_object_new(heap, type);
}

void churn(void);     /* B1 */
void trees(void);     /* B2 */
void pairs(void);     /* B3 */
void garbage(void);   /* B4: graphs.c */
void live(void);      /* B5 */
void space(void);     /* B6 */
void long_list(void); /* B7 */

void containers(void);   /* B8: containers.c, which calls the following */
void lists(void);        /* list.c */
void dict_of_strs(void); /* dict_str.c */
void dict_of_ints(void); /* dict_int.c */
void texts(void);        /* text.c */

void document(void); /* B9 */

void tracked(void);   /* X1: tracked.c */
void variants(void);  /* X2: variants.c */
void pauses(void);    /* X3: graphs.c */
void growth(void);    /* X4 */
void fragments(void); /* X5: memory.c */
void returns(void);   /* X6 */

#endif
