/* leak: a missing release in an error path.
 *
 * A server parses requests, one a line: `user=ann;page=3`.  parse_request builds a dict and
 * returns it to the caller, who releases it.  But a line without `=` is refused half way, and that
 * path forgets the dict.  It works, the tests pass, and every bad line leaks one dict and all that
 * is in it.
 *
 * Watch it:              ./run demo leak
 * Try it yourself:       ./run demo leak -i
 *     (gdb) cairn objects -type dict    three are left, each with count 1 ...
 *     (gdb) cairn referrers @1          ... and held by nobody: one release is missing
 *     (gdb) cairn show @1               what is in it says which request it was
 *     (gdb) cairn audit                 all of them; under CAIRN_TRACK=sites,events with the line
 *
 * Then mend it: in parse_request, release the dict before `return NULL`.
 */
#include <cairn/cairn.h>
#include <stdio.h>
#include <string.h>

/* dict[key] = value, both texts. */
static bool set(cairn_object *dict, const char *text, size_t key_bytes, size_t value_bytes) {
  cairn_heap *heap = cairn_object_heap(dict);
  cairn_object *key = cairn_str_intern(heap, text, key_bytes);
  cairn_object *value = cairn_str_new(heap, text + key_bytes + 1, value_bytes);
  bool done = key != NULL && value != NULL && cairn_dict_set(dict, key, value);
  cairn_release(key);
  cairn_release(value);
  return done;
}

/* The request as a dict that the caller owns; NULL for a line that is none. */
static cairn_object *parse_request(cairn_heap *heap, const char *line) {
  cairn_object *request = cairn_dict_new(heap);
  if (request == NULL) return NULL;
  while (*line != '\0') {
    size_t bytes = strcspn(line, ";");
    const char *equals = memchr(line, '=', bytes);
    if (equals == NULL) return NULL; /* the bug: who releases `request`? */
    size_t key_bytes = (size_t)(equals - line);
    if (!set(request, line, key_bytes, bytes - key_bytes - 1)) {
      cairn_release(request);
      return NULL;
    }
    line += bytes + (line[bytes] == ';');
  }
  return request;
}

static bool serve(cairn_heap *heap, const char *line) {
  cairn_object *request = parse_request(heap, line);
  if (request == NULL) return false;
  cairn_release(request);
  return true;
}

int main(void) {
  static const char *const lines[] = {
      "user=ann;page=1", "user=bob;page=2",    "user=eve;page",   "user=ann;page=3",
      "user=dan;drop",   "user=bob;page=4",    "user=fay;page=5", "user=gus;lang=en;oops",
      "user=ann;page=6", "user=bob;lang=de_AT"};
  cairn_heap *heap = cairn_heap_new(&(cairn_heap_options){.name = "server"});
  if (heap == NULL) return 1;
  int served = 0;
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) served += serve(heap, lines[i]);
  printf("%d of %zu requests served\n", served, sizeof lines / sizeof lines[0]);
  (void)fflush(stdout);  // stop: served

  cairn_leak_report report;
  (void)cairn_heap_destroy(heap, &report);
  printf("leaked: %llu objects\n", (unsigned long long)report.object_count);
  return 0;
}
