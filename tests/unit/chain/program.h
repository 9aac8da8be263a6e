/* Random programs with one bug: what the pairing of events is judged by, beside the cache server.
 *
 * A program is drawn from a seed: functions that take an object, hold it while they call others,
 * give it back themselves or in a helper; that make objects and put them into lists; that hand
 * references to owners outside the heap, which give them back in the order of a queue, of a stack,
 * or by lot.  Each line of a program is a place of its own in this process (`PLACES`), so events
 * have real callers.  Then one line is made to go wrong now and then.
 *
 * A ledger notes for each reference which line took it; what it says in the end is the truth.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdlib.h>

#include "../../random.h"
#include "cairn/cairn.h"

enum deed { TAKE, GIVE, MAKE, PUT, PULL };

/* Places in the code: each is a function that the program calls for one of its lines. */
#define PLACE(n)                                                                    \
  __attribute__((noinline)) static cairn_object *place_##n(                         \
      enum deed deed, cairn_heap *heap, cairn_object *object, cairn_object *list) { \
    if (deed == TAKE) (void)cairn_retain(object);                                   \
    if (deed == GIVE) cairn_release(object);                                        \
    if (deed == MAKE) object = cairn_list_new(heap, 0);                             \
    if (deed == PUT && !cairn_list_append(list, object)) abort();                   \
    if (deed == PULL && !cairn_list_remove(list, 0)) abort();                       \
    __asm__ volatile("" : "+r"(object));                                            \
    return object;                                                                  \
  }
#define PLACE_ROW(n)             place_##n,
#define PLACES_8(P, a)           P(a##0) P(a##1) P(a##2) P(a##3) P(a##4) P(a##5) P(a##6) P(a##7)
#define PLACES_32(P, a, b, c, d) PLACES_8(P, a) PLACES_8(P, b) PLACES_8(P, c) PLACES_8(P, d)
#define PLACES(P)                PLACES_32(P, 1, 2, 3, 4) PLACES_32(P, 5, 6, 7, 8)
PLACES(PLACE)
static cairn_object *(*const places[])(enum deed, cairn_heap *, cairn_object *,
                                       cairn_object *) = {PLACES(PLACE_ROW)};
enum { PLACE_COUNT = sizeof places / sizeof places[0] };

enum bug { NO_BUG, MISSING_RELEASE, EXTRA_RETAIN, EXTRA_RELEASE, MISSING_RETAIN, BUGS };

/* What a function of the program does with its object. */
enum shape {
  HOLDS,      /* takes, calls, gives back */
  LEAVES,     /* takes, and gives back at one line or at another */
  HELPED,     /* takes; a helper that others use gives back */
  LOOKS_UP,   /* a helper that others use takes; gives back */
  HANDS_OVER, /* takes for an owner outside the heap */
  DROPS,      /* an owner outside the heap gives back */
  REPLACES,   /* takes the new one for a variable, then gives back what was in it */
  SHAPES
};
struct function {
  enum shape shape;
  int lines[3], callee, owner; /* callee: a later function, or -1 */
};

enum { FUNCTIONS = 10, OBJECTS = 24, OWNED_MAX = 64, WRONG_MAX = 256, OWNERS = 3 };

/* A reference that the program owns outside the heap. */
struct owned {
  cairn_object *object;
  int line;   /* that took it */
  bool taken; /* false: the bug was not to take it */
};
struct wrong {
  cairn_object *object;
  int line, surplus;
};

struct program {
  cairn_heap *heap;
  uint64_t random;
  struct function functions[FUNCTIONS];
  cairn_object *objects[OBJECTS]; /* held by the lists `one` and `two`, twice each */
  cairn_object *one, *two;
  int make_line, put_lines[2], made_line, pull_lines[2], helper_take, helper_give;
  struct owned owners[OWNERS][OWNED_MAX], variable;
  int owner_counts[OWNERS];
  enum bug bug;
  int bug_line, every, passed;
  bool may_starve, over; /* what makes a count too low comes late, and once */
  struct wrong wrong[WRONG_MAX];
  int wrong_count;
};

static inline uint64_t program_random(struct program *self, uint64_t limit) {
  return random_next(&self->random) % limit;
}

static inline void go_wrong(struct program *self, cairn_object *object, int line, int surplus) {
  if (self->wrong_count == WRONG_MAX) abort();
  self->wrong[self->wrong_count++] = (struct wrong){object, line, surplus};
}

/* Whether the bug is in this line, and its turn has come. */
static inline bool strikes(struct program *self, enum bug bug, int line) {
  if (self->bug != bug || self->bug_line != line || self->over) return false;
  if (bug == EXTRA_RELEASE || bug == MISSING_RETAIN) return self->may_starve && (self->over = true);
  return self->wrong_count < WRONG_MAX && ++self->passed % self->every == 0;
}

static inline struct owned take(struct program *self, cairn_object *object, int line) {
  if (strikes(self, MISSING_RETAIN, line)) return (struct owned){object, line, false};
  places[line](TAKE, self->heap, object, NULL);
  if (strikes(self, EXTRA_RETAIN, line)) {
    places[line](TAKE, self->heap, object, NULL);
    go_wrong(self, object, line, 1);
  }
  return (struct owned){object, line, true};
}

/* Lists hold it twice, so that it survives a release too many. */
static inline bool is_listed(const struct program *self, const cairn_object *object) {
  for (int i = 0; i < OBJECTS; i++) {
    if (self->objects[i] == object) return true;
  }
  return false;
}

static inline void give(struct program *self, struct owned owned, int line) {
  if (!owned.taken) go_wrong(self, owned.object, line, -1);
  if (strikes(self, MISSING_RELEASE, line)) {
    go_wrong(self, owned.object, owned.line, 1);
    return;
  }
  if (is_listed(self, owned.object) && strikes(self, EXTRA_RELEASE, line)) {
    places[line](GIVE, self->heap, owned.object, NULL);
    go_wrong(self, owned.object, line, -1);
  }
  places[line](GIVE, self->heap, owned.object, NULL);
}

/* Takes one out of what an owner has: of a queue, a stack, or by lot. */
static inline struct owned owner_pop(struct program *self, int owner) {
  int count = self->owner_counts[owner]--, at = count - 1;
  struct owned *rows = self->owners[owner];
  if (owner == 0) at = 0;
  if (owner == 2) at = (int)program_random(self, (uint64_t)count);
  struct owned found = rows[at];
  for (int i = at; i + 1 < count; i++) rows[i] = rows[i + 1];
  rows[count - 1] = (struct owned){0};
  return found;
}

static void program_call(struct program *self, int number, cairn_object *object);

static inline void call_on(struct program *self, const struct function *function,
                           cairn_object *object) {
  if (function->callee >= 0 && program_random(self, 3) != 0)
    program_call(self, function->callee, object);
}

static void program_call(struct program *self, int number, cairn_object *object) {
  const struct function *function = &self->functions[number];
  const int *lines = function->lines;
  int owner = function->owner;
  struct owned held;
  switch (function->shape) {
    case HOLDS:
    case LEAVES:
    case HELPED:
    case LOOKS_UP:
      held = take(self, object, function->shape == LOOKS_UP ? self->helper_take : lines[0]);
      call_on(self, function, object);
      if (function->shape == LEAVES && program_random(self, 3) == 0) {
        give(self, held, lines[2]);
      } else {
        give(self, held, function->shape == HELPED ? self->helper_give : lines[1]);
      }
      break;
    case HANDS_OVER:
      call_on(self, function, object);
      if (self->owner_counts[owner] == OWNED_MAX) break;
      self->owners[owner][self->owner_counts[owner]++] = take(self, object, lines[0]);
      break;
    case DROPS:
      call_on(self, function, object);
      if (self->owner_counts[owner] > 0) give(self, owner_pop(self, owner), lines[0]);
      break;
    default:
      held = self->variable;
      self->variable = take(self, object, lines[0]);
      if (held.object != NULL) give(self, held, lines[1]);
      call_on(self, function, object);
      break;
  }
}

/* An object that two lists hold, and for a moment its maker. */
static inline cairn_object *program_make(struct program *self) {
  cairn_object *made = places[self->make_line](MAKE, self->heap, NULL, NULL);
  places[self->put_lines[0]](PUT, self->heap, made, self->one);
  places[self->put_lines[1]](PUT, self->heap, made, self->two);
  give(self, (struct owned){made, self->make_line, true}, self->made_line);
  return made;
}

static inline void program_draw(struct program *self, uint64_t seed) {
  *self = (struct program){.random = seed * 0x9e3779b97f4a7c15u + 1};
  int line = 0;
  self->make_line = line++;
  self->put_lines[0] = line++;
  self->put_lines[1] = line++;
  self->made_line = line++;
  self->pull_lines[0] = line++;
  self->pull_lines[1] = line++;
  self->helper_take = line++;
  self->helper_give = line++;
  for (int i = 0; i < FUNCTIONS; i++) {
    struct function *function = &self->functions[i];
    function->shape = (enum shape)program_random(self, SHAPES);
    function->owner = (int)program_random(self, OWNERS);
    for (int k = 0; k < 3; k++) function->lines[k] = line++;
    function->callee = i + 1 == FUNCTIONS || program_random(self, 3) == 0
                           ? -1
                           : i + 1 + (int)program_random(self, (uint64_t)(FUNCTIONS - i - 1));
  }
  for (int owner = 0; owner < OWNERS; owner++) { /* each owner gives back somewhere */
    self->functions[FUNCTIONS - 1 - owner].shape = DROPS;
    self->functions[FUNCTIONS - 1 - owner].owner = owner;
  }
  self->bug = (enum bug)program_random(self, BUGS);
  const struct function *wrong = &self->functions[program_random(self, FUNCTIONS)];
  bool takes = self->bug == EXTRA_RETAIN || self->bug == MISSING_RETAIN;
  bool gives_first = wrong->shape == DROPS;
  self->bug_line = wrong->lines[takes || gives_first ? 0 : 1 + (int)program_random(self, 2)];
  if (wrong->shape == LOOKS_UP && takes) self->bug_line = self->helper_take;
  if (wrong->shape == HELPED && !takes) self->bug_line = self->helper_give;
  if (program_random(self, 10) == 0 && !takes) self->bug_line = self->made_line;
  self->every = 1 + (int)program_random(self, 12);
}

/* Which function a line is in, as a debugger would tell: any number, but 0. */
static inline uint64_t program_function_of(const struct program *self, int line) {
  if (line == self->helper_take || line == self->helper_give) return 1000 + (uint64_t)line;
  return line < 8 ? 1 : 2 + (uint64_t)(line - 8) / 3;
}

static inline void program_run(struct program *self, int steps) {
  self->one = cairn_list_new(self->heap, 0);
  self->two = cairn_list_new(self->heap, 0);
  for (int i = 0; i < OBJECTS; i++) self->objects[i] = program_make(self);
  for (int step = 0; step < steps && !self->over; step++) {
    self->may_starve = step > steps / 2;
    if (program_random(self, 8) == 0) { /* the oldest goes, and lives while somebody owns it */
      places[self->pull_lines[0]](PULL, self->heap, NULL, self->one);
      places[self->pull_lines[1]](PULL, self->heap, NULL, self->two);
      for (int i = 0; i + 1 < OBJECTS; i++) self->objects[i] = self->objects[i + 1];
      self->objects[OBJECTS - 1] = program_make(self);
    }
    program_call(self, (int)program_random(self, FUNCTIONS),
                 self->objects[program_random(self, OBJECTS)]);
  }
  if (!self->over) return;
  /* A count is too low: owners outside the heap could make up for that, so they give back. */
  for (int owner = 0; owner < OWNERS; owner++) {
    while (self->owner_counts[owner] > 0)
      give(self, owner_pop(self, owner), self->functions[FUNCTIONS - 1 - owner].lines[0]);
  }
  for (int i = 0; i < FUNCTIONS && self->variable.object != NULL; i++) {
    if (self->functions[i].shape != REPLACES) continue;
    give(self, self->variable, self->functions[i].lines[1]);
    self->variable = (struct owned){0};
  }
}

#endif
