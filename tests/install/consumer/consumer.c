/* The smallest program that has a heap, as somebody else would write it. */
#include <cairn/cairn.h>
#include <stdio.h>

static void look(cairn_object *list) { printf("%zu\n", cairn_list_count(list)); }

int main(void) {
  cairn_heap *heap = cairn_heap_new(NULL);
  if (heap == NULL) return 1;
  cairn_object *list = cairn_list_new(heap, 0);
  cairn_object *text = cairn_str_from(heap, "a stone");
  if (!cairn_list_append(list, text)) return 1;
  cairn_release(text);
  look(list);
  cairn_release(list);
  return cairn_heap_destroy(heap, NULL) ? 0 : 1;
}
