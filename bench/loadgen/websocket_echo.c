/* The echo server of --selftest (websocket_echo.h). */
#include "loadgen/websocket_echo.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <wsluice/request.h>

#define ANSWER_MAX 512u /* a 101 takes 256 bytes and the subprotocol */

struct websocket_echo *websocket_echo_new(size_t feed_max) {
  static const struct wsl_head_limits limits = {WEBSOCKET_ECHO_HEAD_MAX, WEBSOCKET_ECHO_HEAD_MAX,
                                                WEBSOCKET_ECHO_FIELDS_MAX};
  struct websocket_echo *server = calloc(1, sizeof *server);
  if (server == NULL) return NULL;
  /* A client's header is never shorter than ours to the same bytes, so an answer is not longer than what it
   * answers, but for the frame that an earlier feed began. */
  server->out_cap = feed_max + ANSWER_MAX;
  server->out = malloc(server->out_cap);
  if (server->out == NULL) {
    free(server);
    return NULL;
  }
  wsl_head_init(&server->head, &limits, server->fields);
  wsl_decoder_init(&server->decoder, false);
  return server;
}

void websocket_echo_free(struct websocket_echo *server) {
  if (server != NULL) free(server->out);
  free(server);
}

static void put(struct websocket_echo *server, const void *bytes, size_t len) {
  assert(len <= server->out_cap - server->out_len);
  memcpy(server->out + server->out_len, bytes, len);
  server->out_len += len;
}

static void put_frame(struct websocket_echo *server, enum wsl_opcode opcode, const uint8_t *payload,
                      size_t len) {
  uint8_t header[WSL_FRAME_HEADER_MAX];
  size_t header_len = wsl_frame_header(header, opcode, len);
  put(server, header, header_len);
  if (len > 0) put(server, payload, len);
}

static void take_frames(struct websocket_echo *server, uint8_t *bytes, size_t len) {
  struct wsl_decoder *decoder = &server->decoder;
  for (size_t at = 0; at < len && server->state == WEBSOCKET_ECHO_OPEN;) {
    struct wsl_frame_result result = wsl_decoder_feed(decoder, bytes + at, bytes + at, len - at);
    if (result.run_len > 0) put_frame(server, WSL_OP_BINARY, bytes + at, result.run_len);
    at += result.consumed;
    if (result.event == WSL_FRAME_PING)
      put_frame(server, WSL_OP_PONG, decoder->control, decoder->control_len);
    if (result.event == WSL_FRAME_CLOSE)
      put_frame(server, WSL_OP_CLOSE, decoder->control, decoder->control_len);
    if (result.event == WSL_FRAME_CLOSE || result.event == WSL_FRAME_VIOLATION)
      server->state = WEBSOCKET_ECHO_CLOSED;
  }
}

/* The whole head is there: the 101, or a short word. */
static void answer_head(struct websocket_echo *server) {
  static const char refusal[] =
      "HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
  static const struct wsl_subprotocols none = {NULL, 0};
  struct wsl_request request;
  char answer[ANSWER_MAX];
  wsl_request_read(&server->head, &none, &request);
  size_t len = request.kind == WSL_REQUEST_UPGRADE ? wsl_upgrade_answer(&request, answer, sizeof answer) : 0;
  server->state = len > 0 ? WEBSOCKET_ECHO_OPEN : WEBSOCKET_ECHO_CLOSED;
  if (len > 0)
    put(server, answer, len);
  else
    put(server, refusal, sizeof refusal - 1);
}

static void take_head(struct websocket_echo *server, uint8_t *bytes, size_t len) {
  size_t before = server->head_len;
  size_t taken = sizeof server->head_text - before < len ? sizeof server->head_text - before : len;
  memcpy(server->head_text + before, bytes, taken);
  server->head_len += taken;
  enum wsl_head_status status = wsl_head_feed(&server->head, server->head_text, server->head_len);
  if (status == WSL_HEAD_DONE) {
    answer_head(server);
    size_t used = server->head.head_len - before;
    take_frames(server, bytes + used, len - used);
  } else if (status == WSL_HEAD_BAD || taken < len) {
    server->state = WEBSOCKET_ECHO_CLOSED;
  }
}

void websocket_echo_feed(struct websocket_echo *server, uint8_t *bytes, size_t len) {
  server->out_len = 0;
  if (server->state == WEBSOCKET_ECHO_OPENING)
    take_head(server, bytes, len);
  else
    take_frames(server, bytes, len);
}
