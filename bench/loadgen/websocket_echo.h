/* A WebSocket server that echoes, small enough to be trusted: what --selftest runs against, so that a bench's
 * handshake, frames and checks meet a server on machines where no other is.
 *
 * Pure: bytes of one client in, bytes for it out. It takes messages as a stream: what one feed brings goes
 * back as one binary frame (or several, round control frames).
 */
#ifndef LOADGEN_WEBSOCKET_ECHO_H
#define LOADGEN_WEBSOCKET_ECHO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wsluice/frame.h>
#include <wsluice/head.h>

#define WEBSOCKET_ECHO_HEAD_MAX   16384u
#define WEBSOCKET_ECHO_FIELDS_MAX 100u

enum websocket_echo_state { WEBSOCKET_ECHO_OPENING, WEBSOCKET_ECHO_OPEN, WEBSOCKET_ECHO_CLOSED };

struct websocket_echo {
  enum websocket_echo_state
      state; /* CLOSED: nothing more is to be fed, and the connection ends behind `out` */
  struct wsl_head head;
  struct wsl_head_field fields[WEBSOCKET_ECHO_FIELDS_MAX];
  char head_text[WEBSOCKET_ECHO_HEAD_MAX];
  size_t head_len;
  struct wsl_decoder decoder;
  uint8_t *out; /* the answer to the last feed; */
  size_t out_len, out_cap;
};

/* NULL without memory. No feed may be longer than `feed_max`. */
struct websocket_echo *websocket_echo_new(size_t feed_max);
void websocket_echo_free(struct websocket_echo *server); /* NULL is ignored */

/* Takes bytes[0..len), which it may change. Send out[0..out_len) then. */
void websocket_echo_feed(struct websocket_echo *server, uint8_t *bytes, size_t len);

#endif
