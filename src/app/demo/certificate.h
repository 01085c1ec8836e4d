/* A certificate for the demo, made on the spot (net/tls/self_signed), in files of a folder that only this
 * user can read and that goes with the program.
 */
#ifndef APP_DEMO_CERTIFICATE_H
#define APP_DEMO_CERTIFICATE_H

#include <limits.h>

#include <wsluice/span.h>

struct demo_certificate {
  char folder[PATH_MAX];
  char cert_path[PATH_MAX]; /* PEM, what a client has to trust */
  char key_path[PATH_MAX];
};

/* Makes key, certificate and files (under TMPDIR, else /tmp). 0, or an error with nothing left behind. */
WSL_MUST_CHECK int demo_certificate_make(struct demo_certificate *certificate);

/* Removes the files; harmless when zeroed, or removed already. */
void demo_certificate_remove(struct demo_certificate *certificate);

#endif
