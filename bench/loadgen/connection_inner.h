/* What the two halves of a connection ask of each other: its life (connection.c) and what flows through it
 * (connection_traffic.c). Functions that return a bool say false when the connection is GONE (and perhaps
 * started anew): the caller then leaves it alone. */
#ifndef LOADGEN_CONNECTION_INNER_H
#define LOADGEN_CONNECTION_INNER_H

#include "loadgen/connection.h"

/* ---- connection.c ---- */

void connection_on_ready(struct transport *transport, void *owner);

/* Ends it with a failure; always false. */
bool connection_fail(struct connection *connection, enum failure_kind kind, const char *sentence);

/* Ends it in order; always false. */
bool connection_end(struct connection *connection);

/* ---- connection_traffic.c ---- */

/* Reads and sends what can be read and sent. */
bool connection_pump(struct connection *connection);

/* Takes received bytes: frames, or with tcp:// payload. */
bool connection_take(struct connection *connection, const uint8_t *bytes, size_t len);

#endif
