/* A program with an address sanitizer that links the ordinary library.
 *
 *     sanitized ok       objects come, go and come again under quarantine: nothing is reported
 *     sanitized freed    reads a freed object that is in quarantine
 */
#include <cairn/cairn.h>
#include <stdio.h>
#include <string.h>

/* Inline, so it is the program that reads. */
__attribute__((noinline)) static size_t count_of(const cairn_object *list) {
  return cairn_list_count(list);
}

/* Many more than the quarantine holds, validated now and then, and again without tracking. */
static bool churn(cairn_heap *heap) {
  for (int i = 0; i < 2000; i++) {
    cairn_object *text = cairn_str_format(heap, "object %d", i);
    cairn_object *list = cairn_list_new(heap, 20);
    if (text == NULL || list == NULL || !cairn_list_give(list, text)) return false;
    cairn_release(list);
    if (i % 500 == 0 && cairn_heap_validate(heap) != NULL) return false;
    if (i == 1500) cairn_track_stop(heap);
  }
  return true;
}

int main(int argc, char **argv) {
  cairn_heap *heap = cairn_heap_new(NULL);
  const cairn_track_options options = {.quarantine_bytes = 4096};
  if (argc != 2 || heap == NULL || !cairn_track_start(heap, &options)) return 2;
  if (strcmp(argv[1], "freed") == 0) {
    cairn_object *list = cairn_list_new(heap, 20);
    cairn_release(list);
    printf("read %zu\n", count_of(list));
  } else if (!churn(heap)) {
    return 1;
  }
  return cairn_heap_destroy(heap, NULL) ? 0 : 1;
}
