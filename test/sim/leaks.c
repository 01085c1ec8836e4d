/* See leaks.h. */
#include "leaks.h"

#include "fault.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_LEAKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_LEAKS 1
#endif
#endif

#ifdef WITH_LEAKS
#include <sanitizer/lsan_interface.h>

bool leaks_are_seen(void) {
  return true;
}

void leaks_check(void) {
  sim_check(__lsan_do_recoverable_leak_check() == 0, "memory was allocated and never freed");
}

#else

bool leaks_are_seen(void) {
  return false;
}

void leaks_check(void) {
}
#endif
