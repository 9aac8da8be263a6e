/* reuse: the memory manager at work.
 *
 * A heap takes memory from the system in arenas (4 MB), cuts an arena into pages (32 kB), and a
 * page into blocks of one size.  An object dies, its block is free, and the next object of that
 * size gets it: the block freed last is used first.  A page without objects serves another size.
 * Arenas without pages in use go back to the system, but for some that are kept for what comes
 * next; cairn_heap_trim gives those back too.
 *
 * Watch it:              ./run demo reuse
 * Try it yourself:       ./run demo reuse -i
 *     (gdb) cairn arenas              a few arenas, nearly full
 *     (gdb) stop-at sieved            every second object died: full of holes, nothing went back
 *     (gdb) cairn arenas -pages
 *     (gdb) stop-at refilled          the holes were filled: no new arena
 *     (gdb) stop-at emptied           all died: pages and arenas are empty, and kept
 *     (gdb) cairn arenas
 *     (gdb) stop-at trimmed           cairn_heap_trim: they went back
 *     (gdb) cairn arenas
 */
#include <cairn/cairn.h>
#include <stdio.h>
#include <stdlib.h>

enum { FLOATS = 2000000 };

static void say(const cairn_heap *heap, const char *what) {
  cairn_stats stats;
  cairn_heap_stats(heap, &stats);
  printf("%-10s %7llu objects, %3llu arenas, %8llu kB used, %8llu kB cached, %8llu kB returned\n",
         what, (unsigned long long)stats.object_count, (unsigned long long)stats.arena_count,
         (unsigned long long)stats.used_bytes / 1024, (unsigned long long)stats.cached_bytes / 1024,
         (unsigned long long)stats.returned_bytes / 1024);
  (void)fflush(stdout);
}

int main(void) {
  cairn_heap *heap = cairn_heap_new(&(cairn_heap_options){.name = "reuse"});
  cairn_object **floats = calloc(FLOATS, sizeof *floats);
  if (heap == NULL || floats == NULL) abort();
  say(heap, "new");

  for (size_t i = 0; i < FLOATS; i++) floats[i] = cairn_float_new(heap, (double)i);
  say(heap, "filled");  // stop: filled

  for (size_t i = 0; i < FLOATS; i += 2) cairn_clear(&floats[i]);
  say(heap, "sieved");  // stop: sieved

  for (size_t i = 0; i < FLOATS; i += 2) floats[i] = cairn_float_new(heap, -(double)i);
  say(heap, "refilled");  // stop: refilled

  void *freed = floats[7];
  cairn_clear(&floats[7]);
  floats[7] = cairn_float_new(heap, 7.5);
  printf("the block freed last is used first: %s\n", floats[7] == freed ? "yes" : "no");

  for (size_t i = 0; i < FLOATS; i++) cairn_clear(&floats[i]);
  say(heap, "emptied");  // stop: emptied

  cairn_heap_trim(heap);
  say(heap, "trimmed");  // stop: trimmed

  free((void *)floats);
  return cairn_heap_destroy(heap, NULL) ? 0 : 1;
}
