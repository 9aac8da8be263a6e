/* layout: where a C program keeps its things.
 *
 *     text     the code                      rodata   constants
 *     data     globals with a value          bss      globals that begin as zero
 *     heap     what malloc gives             arena    what Cairn gives: counted objects
 *     stack    the locals of each call       library  the code of the C library
 *
 * Watch it:              ./run demo layout
 * Try it yourself:       ./run demo layout -i
 *     (gdb) cairn map                 all of it, from low to high addresses
 *     (gdb) cairn map main            text
 *     (gdb) cairn map &at_start       data
 *     (gdb) cairn map &a_local        stack
 *     (gdb) cairn map object          an object in an arena
 */
#include <cairn/cairn.h>
#include <stdio.h>
#include <stdlib.h>

const int a_constant = 1;    /* rodata */
int at_start = 2;            /* data */
int zero_at_start;           /* bss */
static int in_this_file = 3; /* data too: `static` changes who sees the name, not where it lies */

int main(void) {
  int a_local = 4;                        /* stack */
  static int kept_between_calls = 5;      /* data, for all that its name is local */
  int *from_malloc = malloc(sizeof(int)); /* on the stack, and points into the heap */
  cairn_heap *heap = cairn_heap_new(&(cairn_heap_options){.name = "layout"});
  if (from_malloc == NULL || heap == NULL) abort();
  *from_malloc = 6;
  cairn_object *object = cairn_str_from(heap, "in an arena");

  printf("text   %p  main\n", (void *)(uintptr_t)main);
  printf("rodata %p  a_constant = %d\n", (const void *)&a_constant, a_constant);
  printf("data   %p  at_start = %d\n", (void *)&at_start, at_start);
  printf("data   %p  in_this_file = %d\n", (void *)&in_this_file, in_this_file);
  printf("data   %p  kept_between_calls = %d\n", (void *)&kept_between_calls, kept_between_calls);
  printf("bss    %p  zero_at_start = %d\n", (void *)&zero_at_start, zero_at_start);
  printf("heap   %p  *from_malloc = %d\n", (void *)from_malloc, *from_malloc);
  printf("arena  %p  object\n", (void *)object);
  printf("stack  %p  a_local = %d\n", (void *)&a_local, a_local);
  (void)fflush(stdout);  // stop: placed

  cairn_release(object);
  free(from_malloc);
  return cairn_heap_destroy(heap, NULL) ? 0 : 1;
}
