/* Where this file's code lies: included before all else into every source of the library, and by
 * nothing else (the compiler's command line says so).
 *
 * Each source adds a row for each section of code that it may have: the distances from the row to
 * the section's start and end.  Together they tell the runtime's code from the program's, in static
 * and in shared libraries, stripped or not.  Subsection 8192 is the last that an assembler knows,
 * so the label in it stands behind all code.
 *
 * What this is not: usable by a source that is compiled for link-time optimisation, where code of
 * several sources is mixed; the library never is.
 */
#ifndef CAIRN_TEXT_RANGE_H
#define CAIRN_TEXT_RANGE_H

#define CAIRN_TEXT_RANGE(section, flags)                       \
  __asm__(".pushsection " section ", 8192" flags               \
          "\n"                                                 \
          "9:\n"                                               \
          ".popsection\n"                                      \
          ".pushsection cairn_text_ranges, \"a\", %progbits\n" \
          ".balign 4\n"                                        \
          ".long " section                                     \
          " - .\n"                                             \
          ".long 9b - .\n"                                     \
          ".popsection\n")

CAIRN_TEXT_RANGE(".text", "");
CAIRN_TEXT_RANGE(".text.unlikely", ", \"ax\", %progbits");
CAIRN_TEXT_RANGE(".text.hot", ", \"ax\", %progbits");
CAIRN_TEXT_RANGE(".text.startup", ", \"ax\", %progbits");
#if defined(__clang__)
CAIRN_TEXT_RANGE(".text.unlikely.", ", \"ax\", %progbits");
CAIRN_TEXT_RANGE(".text.hot.", ", \"ax\", %progbits");
#endif

#endif
