/* What --version says: our version and those of the libraries that we run on. */
#ifndef APP_VERSIONS_H
#define APP_VERSIONS_H

#include <stdio.h>

/* One line. */
void versions_print(FILE *out);

#endif
