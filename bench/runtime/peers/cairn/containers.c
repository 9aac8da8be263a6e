/* B8: the containers.  What the case names is measured: list=N, dict=N or str=N, with N entries. */
#include "peer.h"

void containers(void) {
  if (bench_number("dict", 0) > 0) {
    dict_of_strs();
    dict_of_ints();
  } else if (bench_number("list", 0) > 0) {
    lists();
  } else {
    texts();
  }
}
