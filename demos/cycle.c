/* cycle: objects that hold each other never reach a count of zero.
 *
 * Ann and Bob are married: ann.spouse is bob, bob.spouse is ann.  A list contains itself.  The
 * program lets go of its names, but each of the three is still held, by one another: their counts
 * stay at 1, no name leads to them, and counting alone would never free them.  The cycle collector
 * does: it subtracts the references that lie inside the cycle from the counts, and what is left is
 * 0, so nobody else is holding on.
 *
 * Watch it:              ./run demo cycle
 * Try it yourself:       ./run demo cycle -i
 *     (gdb) cairn objects -type person        two persons with count 1, although no name is left
 *     (gdb) cairn referrers @1                held by the other one, in its slot `spouse`
 *     (gdb) cairn cycles                      each ring, and the slot that would break it
 *     (gdb) stop-at collected
 *     (gdb) cairn objects -type person        gone
 */
#include <cairn/cairn.h>
#include <stdio.h>

static cairn_object *person(cairn_heap *heap, cairn_type type, const char *text) {
  cairn_object *self = cairn_record_new(heap, type);
  cairn_object *name = cairn_str_from(heap, text);
  if (self == NULL || !cairn_record_set_named(self, "name", name)) return NULL;
  cairn_release(name);
  return self;
}

/* In a function of its own: what it leaves on the stack goes with its frame. */
static void forget(cairn_object **name) { cairn_clear(name); }

int main(void) {
  cairn_heap *heap =
      cairn_heap_new(&(cairn_heap_options){.name = "cycle", .manual_collection = true});
  if (heap == NULL) return 1;
  const char *const fields[] = {"name", "spouse"};
  cairn_type type = cairn_record_define(heap, "person", fields, 2);
  cairn_object *ann = person(heap, type, "Ann");
  cairn_object *bob = person(heap, type, "Bob");
  cairn_object *list = cairn_list_new(heap, 1);
  if (ann == NULL || bob == NULL || list == NULL) return 1;

  bool stored = cairn_record_set_named(ann, "spouse", bob) &&
                cairn_record_set_named(bob, "spouse", ann) && cairn_list_append(list, list);
  if (!stored) return 1;
  (void)fflush(stdout);  // stop: tied

  forget(&ann);
  forget(&bob);
  forget(&list);
  (void)fflush(stdout);  // stop: nameless

  uint64_t freed = cairn_collect(heap);
  printf("the collector freed %llu objects\n", (unsigned long long)freed);  // stop: collected
  return cairn_heap_destroy(heap, NULL) ? 0 : 1;
}
