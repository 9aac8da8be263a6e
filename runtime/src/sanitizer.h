/* The address sanitizer of the program that the library is linked into, where it has one.
 *
 * A library that was built without the sanitizer can still tell it what may not be touched: its
 * functions are looked up when the program is linked, and are absent in any other program.  So a
 * read through a dangling reference is reported where it happens, with both stacks.
 */
#ifndef CAIRN_SANITIZER_H
#define CAIRN_SANITIZER_H

#include <stddef.h>

/* sanitizer/asan_interface.h, which only compilers with the sanitizer bring along. */
__attribute__((weak)) extern void cairn_asan_poison_(
    const volatile void *start, size_t bytes) __asm__("__asan_poison_memory_region");
__attribute__((weak)) extern void cairn_asan_unpoison_(
    const volatile void *start, size_t bytes) __asm__("__asan_unpoison_memory_region");

/* From here on the program may not touch [start, start + bytes): multiples of 8. */
static inline void cairn_sanitizer_forbid(const void *start, size_t bytes) {
  if (cairn_asan_poison_ != NULL) cairn_asan_poison_(start, bytes);
}

/* What was forbidden may be touched again. */
static inline void cairn_sanitizer_allow(const void *start, size_t bytes) {
  if (cairn_asan_unpoison_ != NULL) cairn_asan_unpoison_(start, bytes);
}

#endif
