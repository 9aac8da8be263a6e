/* The cache: entries by key, the oldest in use goes first. */
#include "server.h"

#include <string.h>

static void finalize(cairn_object *object) { plant_gone(object); }

void cache_define(struct shard *shard) {
  const cairn_slot_spec slots[] = {
      CAIRN_STRONG(struct entry, key), CAIRN_STRONG(struct entry, value),
      CAIRN_SINGLE_SLOT(struct entry, owner, plant_slot_kind("put.owner"))};
  static const cairn_field_spec fields[] = {CAIRN_FIELD(struct entry, hits, SINT)};
  shard->entry_type =
      cairn_type_define(shard->heap, &(cairn_type_spec){.name = "entry",
                                                        .size_bytes = sizeof(struct entry),
                                                        .slots = slots,
                                                        .slot_count = 3,
                                                        .fields = fields,
                                                        .field_count = 1,
                                                        .finalize = finalize});
  if (shard->entry_type == 0) abort();
}

/* The entry goes from both structures.  What else holds it keeps it. */
static void unlink_entry(struct shard *shard, struct entry *entry) {
  if (plant_over()) return;
  cairn_object *object = &entry->base;
  TAKE_OUTSIDE("unlink.take", READ, object);
  (void)list_remove(shard->recent, object);
  TAKE_OUT("unlink.key", shard->by_key, object, cairn_dict_remove(shard->by_key, entry->key));
  plant_linked(object, cairn_dict_get(shard->by_key, entry->key) == object);
  DROP_LAST("unlink.entry", READ, object);
}

static void evict(struct shard *shard) {
  while (cairn_list_count(shard->recent) > ENTRIES_MAX && !plant_over()) {
    unlink_entry(shard, (struct entry *)cairn_list_get(shard->recent, 0));
  }
}

bool cache_put(struct shard *shard, struct session *session, const char *key, size_t value_bytes) {
  char text[2 * VALUE_BYTES_MAX];
  cairn_object *name = MADE(KEY, cairn_str_intern(shard->heap, key, strlen(key)));
  memset(text, '.', value_bytes);
  for (size_t i = 0; i < value_bytes && key[i] != '\0'; i++) text[i] = key[i];
  cairn_object *value = MADE(VALUE, cairn_str_new(shard->heap, text, value_bytes));
  if (value_bytes > VALUE_BYTES_MAX) {
    DROP("put.refused.key", KEY, name);
    DROP_LAST("put.refused.value", VALUE, value);
    return false;
  }
  struct entry *entry = (struct entry *)cairn_dict_get(shard->by_key, name);
  if (entry != NULL) {
    cairn_assign(&entry->value, value);
  } else {
    cairn_object *made = MADE(CREATION, cairn_object_new(shard->heap, shard->entry_type));
    entry = (struct entry *)made;
    plant_born(made, "entry");
    cairn_assign(&entry->key, name);
    cairn_assign(&entry->value, value);
    LINK("put.owner", made, entry->owner, &session->base);
    if (!cairn_dict_set(shard->by_key, name, made)) abort();
    if (!cairn_list_append(shard->recent, made)) abort();
    plant_linked(made, true);
    DROP("put.entry", CREATION, made);
  }
  DROP("put.key", KEY, name);
  DROP_LAST("put.value", VALUE, value);
  evict(shard);
  return true;
}

struct entry *cache_get(struct shard *shard, const char *key) {
  cairn_object *found = cairn_dict_get_text(shard->by_key, key);
  if (found == NULL) return NULL;
  TAKE("get.entry", READ, found);
  struct entry *entry = (struct entry *)found;
  entry->hits++;
  return entry;
}

void cache_delete(struct shard *shard, const char *key) {
  cairn_object *found = cairn_dict_get_text(shard->by_key, key);
  if (found != NULL) unlink_entry(shard, (struct entry *)found);
}

void session_prefer(struct session *session, struct entry *entry) {
  if (session->favourite == NULL) cairn_assign(&session->favourite, &entry->base);
}

void session_forget(struct session *session) {
  CLEAR("forget.favourite", &session->base, session->favourite);
}
