/* --selftest: whether the bench can be trusted on this machine. */
#ifndef LOADGEN_SELFTEST_H
#define LOADGEN_SELFTEST_H

#include <stdbool.h>
#include <stdio.h>

/* Says what it did, a line each; false when something was not as it should be. */
bool selftest(FILE *out);

#endif
