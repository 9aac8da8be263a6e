/* A C++ program with the heap: objects of its own, containers, statistics, a group.  It is built as
 * C++17 and C++20 with all warnings, linked with both libraries, and run. */
#include <cairn/cairn.h>

#include <cstdint>
#include <cstdio>
#include <cstring>

namespace {

struct session {
  cairn_object base;
  cairn_object *user;
  cairn_object *peer;
  cairn_object **items;
  std::uint32_t item_count;
  std::int64_t started_s;
};

int finalized = 0;

void finalize(cairn_object *) { finalized++; }

cairn_type session_define(cairn_heap *heap) {
  const cairn_slot_spec slots[] = {CAIRN_STRONG(session, user), CAIRN_WEAK(session, peer),
                                   CAIRN_STRONG_ARRAY(session, items, item_count)};
  const cairn_field_spec fields[] = {CAIRN_FIELD(session, started_s, SINT)};
  cairn_type_spec spec = {};
  spec.name = "session";
  spec.size_bytes = sizeof(session);
  spec.slots = slots;
  spec.slot_count = 3;
  spec.fields = fields;
  spec.field_count = 1;
  spec.finalize = finalize;
  return cairn_type_define(heap, &spec);
}

/* The reference of a scope: what a C++ program writes first. */
class owned {
 public:
  explicit owned(cairn_object *object) : object_(object) {}
  owned(const owned &other) : object_(cairn_retain(other.object_)) {}
  owned &operator=(const owned &) = delete;
  ~owned() { cairn_release(object_); }
  cairn_object *get() const { return object_; }

 private:
  cairn_object *object_;
};

int fail(const char *what) {
  std::fprintf(stderr, "%s\n", what);
  return 1;
}

int use(cairn_heap *heap) {
  const cairn_type type = session_define(heap);
  if (type == 0) return fail("no type");
  const owned list(cairn_list_new(heap, 0));
  const owned text(cairn_str_from(heap, "a stone"));
  for (int i = 0; i < 3; i++) {
    const owned object(cairn_object_new(heap, type));
    session *self = reinterpret_cast<session *>(object.get());
    cairn_assign(&self->user, text.get());
    if (!cairn_weak_set(object.get(), &self->peer, text.get())) return fail("no weak slot");
    if (!cairn_list_append(list.get(), object.get())) return fail("no room");
  }
  if (cairn_list_count(list.get()) != 3 || cairn_refcount(text.get()) != 4) return fail("counts");
  const owned dict(cairn_dict_new(heap));
  if (!cairn_dict_set_text(dict.get(), "list", list.get())) return fail("no entry");
  if (!cairn_list_append(list.get(), dict.get())) return fail("no cycle");
  if (std::strcmp(cairn_object_type_name(dict.get()), "dict") != 0) return fail("type name");
  if (!cairn_external_add(text.get(), 100)) return fail("external bytes");
  cairn_stats stats;
  cairn_heap_stats(heap, &stats);
  return stats.external_bytes == 100 ? 0 : fail("statistics");
}

}  // namespace

int main() {
  cairn_group *group = cairn_group_new("all", 64 << 20);
  cairn_heap_options options = {};
  options.name = "c++";
  options.group = group;
  cairn_heap *heap = cairn_heap_new(&options);
  if (heap == nullptr) return fail("no heap");
  const int result = use(heap);
  if (cairn_collect(heap) == 0) return fail("no cycle was collected");
  if (finalized != 3) return fail("finalizers");
  if (!cairn_heap_destroy(heap, nullptr)) return fail("a leak");
  return cairn_group_destroy(group) ? result : fail("the group has heaps");
}
