/* A free port of loopback for a wrapped program to listen on.
 *
 * Between finding it and the program's bind() somebody else might take it. So it lies outside of the range
 * that the system hands out by itself, at a place drawn at random. Where the program is known to set
 * SO_REUSEADDR (the preloaded library sees to it) a socket of ours holds it as well: bound but not listening,
 * which the program's bind() does not mind and everybody else's does. A program that binds it by itself might
 * mind, so then nothing holds it.
 */
#ifndef APP_WRAP_PORT_H
#define APP_WRAP_PORT_H

#include <stddef.h>
#include <stdint.h>

#include <wsluice/span.h>

enum wrap_port_hold { WRAP_PORT_HELD, WRAP_PORT_LOOSE };

struct wrap_port {
  uint16_t number; /* 0: none */
  int held_fd;     /* -1: nothing holds it */
};

/* Finds one that nobody has bound on any address. 0, or WSL_NO_PORT. */
WSL_MUST_CHECK int wrap_port_find(struct wrap_port *port, enum wrap_port_hold hold);

/* Lets it go. Harmless when there is none. */
void wrap_port_release(struct wrap_port *port);

/* Whether somebody listens on that port, on any address of this machine: looked up in /proc (to connect would
 * be a client), where there is none true. */
bool wrap_port_is_listened_on(uint16_t number);

#endif
