/* Sessions and their callbacks. */
#include "server.h"

#include <inttypes.h>
#include <string.h>

static void finalize(cairn_object *object) { plant_gone(object); }

void session_define(struct shard *shard) {
  const cairn_slot_spec session_slots[] = {
      CAIRN_STRONG(struct session, user),
      CAIRN_SINGLE_SLOT(struct session, peer, plant_slot_kind("pair.peer")),
      CAIRN_STRONG(struct session, favourite), CAIRN_STRONG(struct session, callbacks),
      CAIRN_STRONG(struct session, page)};
  static const cairn_field_spec session_fields[] = {CAIRN_FIELD(struct session, id, SINT),
                                                    CAIRN_FIELD(struct session, served, SINT)};
  shard->session_type =
      cairn_type_define(shard->heap, &(cairn_type_spec){.name = "session",
                                                        .size_bytes = sizeof(struct session),
                                                        .slots = session_slots,
                                                        .slot_count = 5,
                                                        .fields = session_fields,
                                                        .field_count = 2,
                                                        .finalize = finalize});
  const cairn_slot_spec callback_slots[] = {
      CAIRN_SINGLE_SLOT(struct callback, target, plant_slot_kind("later.target")),
      CAIRN_STRONG(struct callback, note)};
  static const cairn_field_spec callback_fields[] = {CAIRN_FIELD(struct callback, due, SINT)};
  shard->callback_type =
      cairn_type_define(shard->heap, &(cairn_type_spec){.name = "callback",
                                                        .size_bytes = sizeof(struct callback),
                                                        .slots = callback_slots,
                                                        .slot_count = 2,
                                                        .fields = callback_fields,
                                                        .field_count = 1,
                                                        .finalize = finalize});
  if (shard->session_type == 0 || shard->callback_type == 0) abort();
}

/* The list of a user's sessions, borrowed. */
static cairn_object *sessions_of(struct shard *shard, cairn_object *user) {
  cairn_object *list = cairn_dict_get(shard->by_user, user);
  if (list != NULL) return list;
  list = MADE(MEMBER, cairn_list_new(shard->heap, 2));
  if (!cairn_dict_set(shard->by_user, user, list)) abort();
  DROP_LAST("open.list", MEMBER, list);
  return list;
}

void session_open(struct shard *shard, const char *user) {
  cairn_object *made = MADE(CREATION, cairn_object_new(shard->heap, shard->session_type));
  struct session *session = (struct session *)made;
  plant_born(made, "session");
  session->id = shard->next_id++;
  cairn_object *name = MADE(KEY, cairn_str_intern(shard->heap, user, strlen(user)));
  cairn_assign(&session->user, name);
  cairn_object *pages = shard->catalog;
  cairn_assign(&session->page,
               cairn_tuple_get(pages, (size_t)session->id % cairn_tuple_count(pages)));
  if (!cairn_dict_set_int(shard->by_id, session->id, made)) abort();
  if (!cairn_list_append(sessions_of(shard, name), made)) abort();
  plant_linked(made, true);
  if (cairn_set_has(shard->online, name)) {
    session->served = -1; /* a second one: it waits for its first request */
    DROP("open.again", KEY, name);
  } else {
    if (!cairn_set_add(shard->online, name)) abort();
    DROP_LAST("open.name", KEY, name);
  }
  DROP("open.session", CREATION, made);
}

struct session *session_find(struct shard *shard, int64_t id) {
  cairn_object *key = MADE(KEY, cairn_int_new(shard->heap, id));
  cairn_object *found = cairn_dict_get(shard->by_id, key);
  if (found == NULL) {
    DROP_LAST("find.unknown", KEY, key);
    return NULL;
  }
  DROP_LAST("find.key", KEY, key);
  TAKE("find.session", LOOKUP, found);
  return (struct session *)found;
}

bool list_remove(cairn_object *list, const cairn_object *item) {
  size_t i = 0;
  while (i < cairn_list_count(list) && cairn_list_get(list, i) != item) i++;
  return cairn_list_remove(list, i);
}

/* What was to happen for the session will not. */
static void timers_cancel(struct shard *shard, const struct session *session) {
  size_t i = 0;
  while (i < cairn_list_count(shard->timers)) {
    struct callback *callback = (struct callback *)cairn_list_get(shard->timers, i);
    if (callback->target != &session->base) {
      i++;
      continue;
    }
    plant_linked(&callback->base, false);
    (void)cairn_list_remove(shard->timers, i);
  }
}

void session_close(struct shard *shard, struct session *session) {
  if (plant_over()) return;
  connections_drop(shard, session);
  timers_cancel(shard, session);
  cairn_object *list = cairn_dict_get(shard->by_user, session->user);
  if (!list_remove(list, &session->base)) abort();
  if (cairn_list_count(list) == 0) {
    (void)cairn_set_remove(shard->online, session->user);
    (void)cairn_dict_remove(shard->by_user, session->user);
  }
  cairn_object *id = MADE(KEY, cairn_int_new(shard->heap, session->id));
  if (!cairn_dict_remove(shard->by_id, id)) abort();
  DROP_LAST("close.id", KEY, id);
  plant_linked(&session->base, false);
}

static void set_peer(struct session *session, struct session *peer) {
  LINK("pair.peer", &session->base, session->peer, &peer->base);
}

void session_pair(struct session *one, struct session *other) {
  if (one == other || one->peer != NULL || other->peer != NULL) return;
  set_peer(one, other);
  set_peer(other, one);
}

void session_call_later(struct shard *shard, struct session *session, int64_t delay) {
  cairn_object *made = MADE(CALLBACK, cairn_object_new(shard->heap, shard->callback_type));
  struct callback *callback = (struct callback *)made;
  plant_born(made, "callback");
  callback->due = shard->now + delay;
  LINK("later.target", made, callback->target, &session->base);
  callback->note = cairn_str_format(shard->heap, "session %" PRId64 ", since %" PRId64 ": wake up",
                                    session->id, shard->now);
  if (callback->note == NULL) abort();
  if (session->callbacks == NULL) {
    session->callbacks = cairn_list_new(shard->heap, 0);
    if (session->callbacks == NULL) abort();
  }
  if (!cairn_list_append(session->callbacks, made)) abort();
  if (!cairn_list_append(shard->timers, made)) abort();
  plant_linked(made, true);
  DROP_LAST("later.callback", CALLBACK, made);
}

/* What is due happens: the session is counted as served, if it is still there. */
void timers_run(struct shard *shard) {
  size_t i = 0;
  while (i < cairn_list_count(shard->timers)) {
    struct callback *callback = (struct callback *)cairn_list_get(shard->timers, i);
    if (callback->due > shard->now) {
      i++;
      continue;
    }
    plant_linked(&callback->base, false);
    cairn_object *target = GIVEN(CALLBACK, cairn_weak_get(&callback->target));
    if (target != NULL) {
      struct session *session = (struct session *)target;
      session->served++;
      cairn_object *list = session->callbacks;
      TAKE_OUT("timer.forget", list, &callback->base, list_remove(list, &callback->base));
      DROP("timer.target", CALLBACK, target);
    }
    (void)cairn_list_remove(shard->timers, i);
  }
}

size_t session_count(const struct shard *shard) { return cairn_dict_count(shard->by_id); }
