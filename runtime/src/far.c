/* Keeping what is held from outside, where the order of the heap in memory says nothing of the
 * graph: by following references.
 *
 * What restore.c says of the outcome is true here too.  Where most references lead far away, a
 * sweep finds little of what it has marked in the order of memory.  So each member that is reached
 * goes on a stack and is fetched into the cache, while others that were fetched before are looked
 * at: many fetches are under way at any time.
 *
 * The stack's memory lies beside the arenas (side.h), a part beside each: with objects of 32 bytes
 * and more there is room for one in four, where random graphs need one in six.  What it has no room
 * for is marked, and found by walking over the side bytes once more.
 *
 * What this is not: recursive, or in need of memory that may not be there.
 */
#include "trial.h"

struct stack {
  cairn_heap *heap;
  struct cairn_arena *arena; /* beside which the part lies that is in use; those of the arenas
                              * before it are full, those behind it empty */
  cairn_object **first, **top, **end; /* of that part */
  bool overflowed;
};

static void stack_enter(struct stack *stack, struct cairn_arena *arena) {
  stack->arena = arena;
  stack->first = (cairn_object **)cairn_side_work(arena);
  stack->end = stack->first + CAIRN_SIDE_WORK_BYTES / sizeof(cairn_object *);
}

/* The part is full: goes on in the next.  Without one the last object is left to the next walk. */
static __attribute__((noinline)) void stack_extend(struct stack *stack) {
  if (stack->arena->next != NULL) {
    stack_enter(stack, stack->arena->next);
    stack->top = stack->first;
  } else {
    *cairn_side_byte(*--stack->top) = CAIRN_TRIAL_REACHED;
    stack->overflowed = true;
  }
}

/* The part is empty.  False: the stack is. */
static __attribute__((noinline)) bool stack_shrink(struct stack *stack) {
  if (stack->arena->previous == NULL) return false;
  stack_enter(stack, stack->arena->previous);
  stack->top = stack->end;
  return true;
}

/* What is being fetched: [first, last), modulo their number. */
enum { AHEAD = 32 };
struct ahead {
  uint32_t first, last;
  cairn_object *objects[AHEAD];
};

/* The next object; NULL when all is done. */
CAIRN_INLINE cairn_object *next_of(struct stack *stack, struct ahead *ahead) {
  while (ahead->last - ahead->first < AHEAD) {
    if (stack->top == stack->first && !stack_shrink(stack)) break;
    cairn_object *object = *--stack->top;
    __builtin_prefetch(object);
    __builtin_prefetch((char *)object + 16); /* its first words may be in the next line */
    ahead->objects[ahead->last++ % AHEAD] = object;
  }
  if (ahead->first == ahead->last) return NULL;
  return ahead->objects[ahead->first++ % AHEAD];
}

/* Takes a child out of the set and onto the stack, if no reference led to it before.  Returns the
 * stack's top, which the walk has in a register.  Without branches: whether a reference is the
 * first is what no processor foresees. */
CAIRN_INLINE cairn_object **take(struct stack *stack, cairn_object **top, cairn_object *child) {
  uint8_t *side = cairn_side_byte(child);
  bool is_first = *side == CAIRN_TRIAL_EXPLAINED;
  uint8_t elsewhere;
  *(is_first ? side : &elsewhere) = CAIRN_TRIAL_NONE;
  *top = child;
  top += is_first;
  if (__builtin_expect(top != stack->end, 1)) return top;
  stack->top = top;
  stack_extend(stack);
  return stack->top;
}

static void take_reference(cairn_object *child, void *context) {
  struct stack *stack = context;
  stack->top = take(stack, stack->top, child);
}

static __attribute__((noinline)) void follow_slowly(struct stack *stack, cairn_object *object) {
  /* Resurrected: something holds it, so giving up the hold is not its death. */
  if ((object->header & CAIRN_STATE(HELD)) != 0) cairn_object_unhold(stack->heap, object);
  cairn_each_child(cairn_type_of(stack->heap, object), object, take_reference, stack);
}

/* Fetches the side bytes of what an object holds whose turn comes soon, if it is of the type. */
CAIRN_INLINE void fetch_sides(const struct ahead *ahead, const struct cairn_kind *kind) {
  enum { SOON = 8 };
  if (ahead->last - ahead->first <= SOON) return;
  cairn_object *object = ahead->objects[(ahead->first + SOON) % AHEAD];
  if ((object->header >> CAIRN_TYPE_SHIFT & CAIRN_TYPE_MAX) != kind->index) return;
  const cairn_word *word = cairn_run_words(kind->run, object);
  for (uint32_t i = 0; i < kind->run.count; i++) {
    if (word[i] != 0) __builtin_prefetch(cairn_side_byte((void *)(uintptr_t)word[i]), 1);
  }
}

static void follow_all(struct stack *stack) {
  struct ahead ahead = {.first = 0, .last = 0};
  struct cairn_kind kind = {.index = 0};
  cairn_object *object;
  while ((object = next_of(stack, &ahead)) != NULL) {
    uint64_t header = object->header;
    cairn_kind_meet(stack->heap, header, &kind);
    if (kind.run.count == CAIRN_RUN_NONE || (header & CAIRN_STATE(HELD)) != 0) {
      follow_slowly(stack, object);
      continue;
    }
    fetch_sides(&ahead, &kind);
    const cairn_word *word = cairn_run_words(kind.run, object);
    cairn_object **top = stack->top;
    for (uint32_t i = 0; i < kind.run.count; i++) {
      if (word[i] != 0) top = take(stack, top, (cairn_object *)(uintptr_t)word[i]);
    }
    stack->top = top;
  }
}

/* Follows what the members of the page hold that are kept. */
static void follow_page(cairn_heap *heap, struct cairn_blocks blocks, void *context) {
  struct stack *stack = context;
  (void)heap;
  if (!cairn_blocks_have_kept(&blocks)) return;
  for (size_t offset = 0; offset < cairn_blocks_end(&blocks); offset += blocks.stride) {
    uint8_t *side = cairn_blocks_side(&blocks, offset);
    if (!cairn_trial_is_kept(*side)) continue;
    if (*side == CAIRN_TRIAL_WIDE) *cairn_side_word_beside(side) = 0;
    *side = CAIRN_TRIAL_EXPLAINED;
    take_reference(cairn_blocks_object(&blocks, offset), stack);
    follow_all(stack);
  }
}

void cairn_restore_far(cairn_heap *heap) {
  struct stack stack = {.heap = heap};
  if (heap->arenas == NULL) return;
  do {
    stack_enter(&stack, heap->arenas);
    stack.top = stack.first;
    stack.overflowed = false;
    cairn_each_gathered(heap, follow_page, &stack);
  } while (stack.overflowed);
}
