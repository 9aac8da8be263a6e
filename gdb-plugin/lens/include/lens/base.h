/* What all headers of the lens share: statuses, the ABI's number, indices. */
#ifndef LENS_LENS_BASE_H
#define LENS_LENS_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LENS_API  __attribute__((visibility("default")))
#define LENS_ABI  10u        /* the plugin refuses a library with another number */
#define LENS_NONE UINT32_MAX /* no object index */

typedef enum lens_status {
  LENS_OK = 0,
  LENS_AGAIN = 1, /* the slice is used up; call again */
  LENS_NOT_FOUND = 2,
  LENS_UNREADABLE = 3, /* target memory that could not be read */
  LENS_CORRUPT = 4,    /* target memory that makes no sense; see the problems */
  LENS_NO_MEMORY = 5,  /* of the process that the lens runs in */
  LENS_CANCELLED = 6,  /* the reader said so */
  LENS_BAD_ARGUMENT = 7,
  LENS_UNSUPPORTED = 8, /* the contract lacks what this needs, or its major is unknown */
  LENS_IO = 9 /* a file could not be opened or is no ELF core; errno-style text in lens_error */
} lens_status;

LENS_API uint32_t lens_abi(void);
LENS_API const char *lens_status_text(lens_status status);

#ifdef __cplusplus
}
#endif

#endif
