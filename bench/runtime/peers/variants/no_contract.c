/* In place of contract_export.c: the runtime without the record, the note and the tables that a
 * debugger reads.  The list of heaps stays where the runtime itself needs it.  Only to measure what
 * the contract costs. */
#include <pthread.h>
#include <stdio.h>

#include "internal.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static cairn_heap *heaps;
static uint64_t last_heap_id;

void cairn_registry_add(cairn_heap *heap) {
  pthread_mutex_lock(&lock);
  heap->id = ++last_heap_id;
  if (heap->name[0] == '\0') {
    snprintf(heap->name, sizeof heap->name, "heap %llu", (unsigned long long)heap->id);
  }
  heap->next = heaps;
  heap->previous = NULL;
  if (heaps != NULL) heaps->previous = heap;
  heaps = heap;
  pthread_mutex_unlock(&lock);
}

void cairn_registry_remove(cairn_heap *heap) {
  pthread_mutex_lock(&lock);
  *(heap->previous == NULL ? &heaps : &heap->previous->next) = heap->next;
  if (heap->next != NULL) heap->next->previous = heap->previous;
  pthread_mutex_unlock(&lock);
}

bool cairn_registry_find(bool (*matches)(cairn_heap *heap, void *context), void *context) {
  pthread_mutex_lock(&lock);
  cairn_heap *heap = heaps;
  while (heap != NULL && !matches(heap, context)) heap = heap->next;
  pthread_mutex_unlock(&lock);
  return heap != NULL;
}
