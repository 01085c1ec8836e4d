/* The demo (--demo) as main starts it: the line service behind the bridge, the page before it, a certificate
 * made on the spot, and the words that invite people in.
 */
#ifndef APP_DEMO_DEMO_H
#define APP_DEMO_DEMO_H

#include "app/demo/certificate.h"
#include "app/option/options.h"

struct demo_service;

/* Zeroed: nothing runs. */
struct demo {
  struct demo_service *service;
  struct demo_certificate certificate;
};

/* Starts the service and fills in the server's settings: target, page, and TLS where no certificate is given
 * (without one it goes on, with a warning). 0, or an error that standard error has a line about. */
WSL_MUST_CHECK int demo_start(struct demo *demo, struct server_settings *settings);

/* Says on standard output where to go; `self` is the program's name. */
void demo_invite(const struct demo *demo, const char *listen_host, unsigned port, const char *self);

/* Ends the service and removes the files; harmless when nothing runs. */
void demo_stop(struct demo *demo);

#endif
