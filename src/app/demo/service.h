/* The demo's TCP service: a line service in the manner of 1995, on a loopback port of its own.
 *
 * It stands in for the thing that wsluice is put before, so it knows nothing of the Web: lines in,
 * lines out, over plain TCP. It lives on its own thread and its own loop and shares nothing with the
 * bridge, which reaches it by its port like any other backend. `nc 127.0.0.1 PORT` works as well.
 */
#ifndef APP_DEMO_SERVICE_H
#define APP_DEMO_SERVICE_H

#include <stdint.h>

#include <wsluice/span.h>

struct demo_service;

/* Binds 127.0.0.1 on a port that the kernel picks, starts the thread and returns when clients can
 * connect. The caller owns *service and ends it with demo_service_stop(). The thread takes no
 * signals. On an error *service and *port stay untouched. */
WSL_MUST_CHECK int demo_service_start(struct demo_service **service, uint16_t *port);

/* Cuts every connection, waits for the thread to end and frees the service; NULL is ignored. */
void demo_service_stop(struct demo_service *service);

#endif
