/* overrelease: one release too many, long before the crash.
 *
 * A chat keeps its sessions in a list, and in a dict by user name.  greet looks a session up with
 * cairn_list_get, which *borrows*: the caller gets no reference of its own.  greet releases it all
 * the same.  Nothing happens then.  The count is one too low from now on: when the list lets go,
 * the session is freed while the dict still refers to it.
 *
 * Watch it:              ./run demo overrelease
 * Try it yourself:       ./run demo overrelease -i
 *     (gdb) cairn objects -type session       the counts: one is 1, the others are 2
 *     (gdb) cairn referrers session           the list and the dict hold it, its count says 1
 *     (gdb) cairn audit                       the same of all objects at once
 *     (gdb) stop-at freed
 *     (gdb) cairn check                       the dict holds a block that is free
 *
 * Then mend it: in greet, leave the release away.
 */
#include <cairn/cairn.h>
#include <stdio.h>

static const char *const users[] = {"ann", "bob", "eve"};
enum { USERS = sizeof users / sizeof users[0] };

static bool join(cairn_heap *heap, cairn_type type, const char *user, cairn_object *order,
                 cairn_object *by_name) {
  cairn_object *session = cairn_record_new(heap, type);
  cairn_object *name = cairn_str_intern(heap, user, 3);
  bool done = session != NULL && name != NULL && cairn_record_set_named(session, "user", name) &&
              cairn_list_append(order, session) && cairn_dict_set(by_name, name, session);
  cairn_release(name);
  cairn_release(session);
  return done;
}

static void greet(const cairn_object *order, size_t index) {
  cairn_object *session = cairn_list_get(order, index);
  printf("hello, %s\n", cairn_str_text(cairn_record_get_named(session, "user")));
  cairn_release(session); /* the bug: cairn_list_get gave us no reference to give back */
  (void)fflush(stdout);   // stop: greeted
}

int main(void) {
  cairn_heap *heap = cairn_heap_new(&(cairn_heap_options){.name = "chat"});
  if (heap == NULL) return 1;
  const char *const fields[] = {"user", "room"};
  cairn_type type = cairn_record_define(heap, "session", fields, 2);
  cairn_object *order = cairn_list_new(heap, USERS);
  cairn_object *by_name = cairn_dict_new(heap);
  if (type == 0 || order == NULL || by_name == NULL) return 1;
  for (size_t i = 0; i < USERS; i++) {
    if (!join(heap, type, users[i], order, by_name)) return 1;
  }
  greet(order, 1);

  (void)cairn_list_remove(order, 1);
  (void)fflush(stdout);  // stop: freed

  /* Here a real program would go on, and crash one day when the dict's bob is another object. */
  return 0;
}
