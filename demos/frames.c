/* frames: names on the stack point at counted objects on the heap.
 *
 * In a language with names and objects this program reads
 *
 *     def f2(x): x = x + 1; return x
 *     def f1(x): x = x * 2; y = f2(x); return y
 *     y = 5
 *     z = f1(y)
 *
 * Each call has a frame of its own on the stack, with names of its own.  Every number is an object
 * on the heap, and its count says how many names refer to it.  When the last name goes, so does
 * the object.
 *
 * Watch it:              ./run demo frames         5000, 10000 and 10001: an object each
 *                        ./run demo frames 5       5, 10 and 11: small, shared, never freed
 * Try it yourself:       ./run demo frames -i
 *     (gdb) cairn stack               the picture: f2.x -> 10001, f1.x -> 10000, main.y -> 5000
 *     (gdb) cairn show x              one object: its type, its count, its value
 *     (gdb) stop-at f2-returned       f2's frame is gone; f1.y -> 10001
 *     (gdb) stop-at f1-returned       10000 is gone: its last name was f1.x; main.z -> 10001
 *     (gdb) cairn objects -type int   what is left on the heap
 */
#include <cairn/cairn.h>
#include <stdio.h>
#include <stdlib.h>

/* The number that a name refers to. */
static int64_t number(const cairn_object *name) {
  int64_t value = 0;
  (void)cairn_int_get(name, &value);
  return value;
}

/* name = value: the name refers to another object from now on, and lets the old one go. */
static void rebind(cairn_object **name, int64_t value) {
  cairn_object *object = cairn_int_new(cairn_object_heap(*name), value);
  if (object == NULL) abort();
  cairn_object *old = *name;
  *name = object;
  cairn_release(old);
}

/* A function owns its argument: whoever calls it hands over a reference. */
static cairn_object *f2(cairn_object *x) {
  rebind(&x, number(x) + 1);
  return x;  // stop: inside-f2
}

static cairn_object *f1(cairn_object *x) {
  rebind(&x, number(x) * 2);
  cairn_object *y = f2(cairn_retain(x));
  cairn_release(x);  // stop: f2-returned
  return y;
}

int main(int argc, char **argv) {
  cairn_heap *heap = cairn_heap_new(&(cairn_heap_options){.name = "frames"});
  if (heap == NULL) return 1;
  cairn_object *y = cairn_int_new(heap, argc > 1 ? atoll(argv[1]) : 5000);
  cairn_object *z = NULL;
  z = f1(cairn_retain(y));
  printf("y = %lld, z = %lld\n", (long long)number(y), (long long)number(z));  // stop: f1-returned
  cairn_clear(&y);
  cairn_clear(&z);
  (void)fflush(stdout);  // stop: end
  return cairn_heap_destroy(heap, NULL) ? 0 : 1;
}
