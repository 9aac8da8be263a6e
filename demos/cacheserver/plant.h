/* Bugs on order: each place where the cache server can be made to go wrong, and the truth of it.
 *
 * The server owns each reference in a *role*: the one that a lookup returned, the one that a
 * connection keeps.  It takes and gives up references with the macros below, so the places are
 * known by name, and a ledger knows at each moment which line took what is still owned.  Without an
 * order the macros do what their names say.  `-plant PLACE:KIND` orders a bug: one release is left
 * out, or done twice.  At the end the ledger says what is wrong now: the object, how often, and the
 * line that a debugger should name.
 *
 * The ledger keeps addresses inverted, in malloc'ed memory: it is no place that holds objects.
 * Each thread has one of its own.
 */
#ifndef CACHESERVER_PLANT_H
#define CACHESERVER_PLANT_H

#include <cairn/cairn.h>
#include <stdio.h>

/* What can go wrong, as K(NAME, bit, text). */
#define PLANT_KINDS(K)                                                                \
  K(MISSING_RELEASE, 1, "missing-release") /* what was taken is never given back */   \
  K(EXTRA_RELEASE, 2, "extra-release")     /* given back twice */                     \
  K(EXTRA_RETAIN, 4, "extra-retain")       /* taken twice */                          \
  K(MISSING_RETAIN, 8, "missing-retain")   /* given back, and never taken */          \
  K(NOT_CLEARED, 16, "not-cleared")        /* released, and the slot still refers */  \
  K(STILL_HELD, 32, "still-held")          /* a slot that should have been cleared */ \
  K(STRONG, 64, "strong")                  /* a slot that should be weak */

#define PLANT_KIND_ENUM(NAME, bit, text) PLANT_##NAME = (bit),
enum plant_kind { PLANT_KINDS(PLANT_KIND_ENUM) };

/* What a reference is owned for. */
#define PLANT_ROLES(R) \
  R(CREATION)          \
  R(LOOKUP)            \
  R(CONNECTION)        \
  R(SERVED)            \
  R(JOB) R(READ) R(KEY) R(VALUE) R(PARAMS) R(CALLBACK) R(VIEW) R(REPLY) R(SAMPLE) R(MEMBER)

#define PLANT_ROLE_ENUM(NAME) NAME,
enum plant_role { PLANT_ROLES(PLANT_ROLE_ENUM) };

/* A place in the sources. */
struct plant_site {
  const char *name;
  unsigned kinds; /* that it can be ordered with */
  const char *file;
  int line;
};

/* Places are found by the linker: a section of pointers to them. */
#define PLANT_SITE(text, possible)                                                 \
  static const struct plant_site site_ = {(text), (possible), __FILE__, __LINE__}; \
  __attribute__((section("plants"), used)) static const struct plant_site *const to_ = &site_

/* The expression made an object that its maker owns. */
#define MADE(role, made) plant_made((cairn_object *)(made), (role), __FILE__, __LINE__)

/* The same where there may be no object. */
#define GIVEN(role, given) plant_given((given), (role), __FILE__, __LINE__)

/* Takes one more reference. */
#define TAKE(name, role, object) \
  PLANT_TAKE(name, PLANT_EXTRA_RETAIN | PLANT_MISSING_RETAIN, role, object)
/* The same, into a place outside the heap: without it the count would be one that can be right, as
 * such a place may own or borrow. */
#define TAKE_OUTSIDE(name, role, object) PLANT_TAKE(name, PLANT_EXTRA_RETAIN, role, object)

/* Gives a reference up. */
#define DROP(name, role, object) \
  PLANT_DROP(name, PLANT_MISSING_RELEASE | PLANT_EXTRA_RELEASE, role, object)
/* The same where nobody else need hold the object: released twice it would be freed at once. */
#define DROP_LAST(name, role, object) PLANT_DROP(name, PLANT_MISSING_RELEASE, role, object)

#define PLANT_TAKE(name, kinds, role, object)                                                     \
  do {                                                                                            \
    PLANT_SITE(name, kinds);                                                                      \
    for (int n_ = plant_take(&site_, (object), (role)); n_ > 0; n_--) (void)cairn_retain(object); \
  } while (0)
#define PLANT_DROP(name, kinds, role, object)                                                \
  do {                                                                                       \
    PLANT_SITE(name, kinds);                                                                 \
    for (int n_ = plant_drop(&site_, (object), (role)); n_ > 0; n_--) cairn_release(object); \
  } while (0)

/* Empties a strong slot of an object. */
#define CLEAR(name, holder, slot)                           \
  do {                                                      \
    PLANT_SITE(name, PLANT_NOT_CLEARED | PLANT_STILL_HELD); \
    switch (plant_clear(&site_, (holder), (slot))) {        \
      case PLANT_NOT_CLEARED:                               \
        cairn_release(slot);                                \
        break;                                              \
      case PLANT_STILL_HELD:                                \
        break;                                              \
      default:                                              \
        cairn_clear(&(slot));                               \
        break;                                              \
    }                                                       \
  } while (0)

/* `taking` takes an item out of its container. */
#define TAKE_OUT(name, container, item, taking)                                       \
  do {                                                                                \
    PLANT_SITE(name, PLANT_STILL_HELD);                                               \
    if (plant_clear(&site_, (container), (item)) != PLANT_STILL_HELD) (void)(taking); \
  } while (0)

/* Lets a weak slot refer to `target`.  Ordered STRONG, the slot's type says strong as well. */
#define LINK(name, holder, slot, target)                   \
  do {                                                     \
    PLANT_SITE(name, PLANT_STRONG);                        \
    if (plant_link(&site_, (holder), (target)))            \
      cairn_assign(&(slot), (target));                     \
    else if (!cairn_weak_set((holder), &(slot), (target))) \
      abort();                                             \
  } while (0)

/* One order for all threads: "PLACE:KIND[:EVERY]", a bug each EVERY times that the place is passed
 * (1).  False when there is no such place or it can't go wrong so. */
bool plant_order(const char *text);
/* Prints what can be ordered, a line each. */
void plant_list(FILE *file);
/* The kind of CAIRN_SLOT_* for the slot that LINK(name, ...) fills. */
unsigned char plant_slot_kind(const char *name);

/* The calling thread begins: an empty ledger. */
struct plant_ledger *plant_begin(void);
/* The thread is over, and so is every object that its ledger follows. */
void plant_end(struct plant_ledger *ledger);
/* What makes a count too low waits until the calling thread says so, and then its work is over:
 * what is counted too low is left as it is, until the thread takes everything down. */
void plant_last_phase(void);
bool plant_over(void);
void plant_take_down(void);

/* What is known of an object that the ledger follows from `plant_born` to its finalizer. */
void plant_born(const cairn_object *object, const char *type);
void plant_linked(const cairn_object *object, bool linked); /* the server's structures hold it */
void plant_gone(cairn_object *object);
/* Whether it is linked, or owned in some role. */
bool plant_is_held(const cairn_object *object);

/* At the end: what is held holds its targets through slots that should be weak.  True when that
 * linked another object.  `each` is called with the held objects of a type. */
bool plant_spread(void);
void plant_each_held(const char *type, void (*each)(cairn_object *object));

/* A thread's truth, a fact a line, fields separated by tabs:
 *
 *     bug      ADDRESS TYPE SURPLUS FILE LINE STATE   how far the count is off; the line to name
 *     held     HOLDER ADDRESS FILE LINE STATE         a slot that should be empty, and is not
 *     link     HOLDER TARGET FILE LINE STATE STATE    a strong slot that should be weak
 *     garbage  ADDRESS TYPE                           it lives, and the server does not hold it
 *     passed   N                                      how often the place could have gone wrong
 *
 * STATE is `linked` where the server still holds the object, `unlinked`, or `unknown`. */
void plant_tell(struct plant_ledger *ledger, FILE *file);

/* Of the macros. */
cairn_object *plant_given(cairn_object *object, enum plant_role role, const char *file, int line);
cairn_object *plant_made(cairn_object *object, enum plant_role role, const char *file, int line);
int plant_take(const struct plant_site *site, const cairn_object *object, enum plant_role role);
int plant_drop(const struct plant_site *site, const cairn_object *object, enum plant_role role);
int plant_clear(const struct plant_site *site, const cairn_object *holder,
                const cairn_object *object);
bool plant_link(const struct plant_site *site, const cairn_object *holder,
                const cairn_object *target);

#endif
