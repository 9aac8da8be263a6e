/* identity: one object with two names, and two objects that are equal.
 *
 *     x = 1;  y = x;  z = 1       one object: small ints are shared
 *     a = 1000;  b = a            one object with two names: its count is 2
 *     c = 1000                    another object: equal to a, not identical with it
 *     b = 2000                    b refers to something else now; a did not change
 *
 * Watch it:              ./run demo identity
 * Try it yourself:       ./run demo identity -i
 *     (gdb) cairn stack               the names x, y and z meet at one object; so do a and b
 *     (gdb) print a == b              1: the same address
 *     (gdb) print a == c              0: equal, but not the same object
 *     (gdb) print $cairn_refcount(a)  2: a and b
 *     (gdb) stop-at rebound
 *     (gdb) print $cairn_refcount(a)  1: b has moved on
 */
#include <cairn/cairn.h>
#include <stdio.h>

int main(void) {
  cairn_heap *heap = cairn_heap_new(&(cairn_heap_options){.name = "identity"});
  if (heap == NULL) return 1;

  cairn_object *x = cairn_int_new(heap, 1);
  cairn_object *y = cairn_retain(x);
  cairn_object *z = cairn_int_new(heap, 1);
  cairn_object *a = cairn_int_new(heap, 1000);
  cairn_object *b = cairn_retain(a);
  cairn_object *c = cairn_int_new(heap, 1000);
  if (a == NULL || c == NULL) return 1;
  printf("x is z: %d\n", x == z);  // stop: named
  printf("a is b: %d, a is c: %d, a equals c: %d\n", a == b, a == c, cairn_equal(a, c));

  cairn_release(b);
  b = cairn_int_new(heap, 2000);
  printf("a equals b: %d\n", cairn_equal(a, b));  // stop: rebound

  /* Each name gives up the reference that it owns. */
  cairn_release(x);
  cairn_release(y);
  cairn_release(z);
  cairn_release(a);
  cairn_release(b);
  cairn_release(c);
  return cairn_heap_destroy(heap, NULL) ? 0 : 1;
}
