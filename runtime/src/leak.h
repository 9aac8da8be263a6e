/* What is still alive when a heap is destroyed (leak.c). */
#ifndef CAIRN_LEAK_H
#define CAIRN_LEAK_H

#include "internal.h"

/* Fills the report from what the heap holds now, after a full collection. */
void cairn_leak_find(cairn_heap *heap, cairn_leak_report *report);

#endif
