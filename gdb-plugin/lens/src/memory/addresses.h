/* A set of addresses: so that a damaged list that comes back to itself ends. */
#ifndef LENS_ADDRESSES_H
#define LENS_ADDRESSES_H

#include "lens.h"

/* All zero is an empty set. */
struct lens_addresses {
  uint64_t *table; /* open addressing; 0: free (the address 0 is never added) */
  size_t count, capacity;
};

/* Adds a nonzero address; *is_new tells whether it was not there.  LENS_OK or LENS_NO_MEMORY. */
lens_status lens_addresses_add(struct lens_addresses *set, uint64_t address, bool *is_new);
void lens_addresses_free(struct lens_addresses *set);

#endif
