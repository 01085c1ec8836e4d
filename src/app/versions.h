/* What --version says: our version and those of the libraries that we run on. */
#ifndef APP_VERSIONS_H
#define APP_VERSIONS_H

#include <stdio.h>

/* One line, and one more where a library is too old for all that we can do. */
void versions_print(FILE *out);

/* What this build can't do for want of a newer library, a sentence for the log; NULL: nothing. */
const char *versions_shortcoming(void);

#endif
