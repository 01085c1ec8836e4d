/* Where the library lies that is preloaded into wrapped programs (src/preload). */
#ifndef APP_WRAP_LIBRARY_H
#define APP_WRAP_LIBRARY_H

#include <limits.h>
#include <stddef.h>

#include <wsluice/span.h>

/* Finds it: at `given` (--wrap-library; NULL: not given), else beside the program (as in a build tree), in
 * wsluice/ of the library folder beside the program's (as installed, wherever that was moved), or of the one
 * that was configured. Its absolute path goes to path[0..PATH_MAX). 0, or WSL_NOT_FOUND with a line in
 * why[0..why_cap). */
WSL_MUST_CHECK int wrap_library_find(const char *given, char path[PATH_MAX], char *why, size_t why_cap);

#endif
