/* What flows through an open connection: messages out, frames in and their check, pings, Close. */
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "core/error.h"
#include "loadgen/connection_inner.h"

/* Work in one turn: a connection that never runs dry must not starve the others. */
#define READS_A_TURN  4u
#define WRITES_A_TURN 4u

#define WRITE_MAX (512u * 1024u) /* bytes a call */

/* Masks need not be unguessable here (RFC 6455 10.3 protects proxies from scripts), only not zero. */
static const uint8_t control_mask[4] = {0x5a, 0xc3, 0x96, 0x69};

uint64_t connection_payload_sent(const struct connection *connection) {
  const struct outgoing *outgoing = connection->client->outgoing;
  uint64_t within = connection->wire_sent % outgoing->frame_len;
  uint64_t begun = within > outgoing->header_len ? within - outgoing->header_len : 0;
  return connection->wire_sent / outgoing->frame_len * outgoing->payload_len + begun;
}

bool connection_between_messages(const struct connection *connection) {
  return connection->wire_sent % connection->client->outgoing->frame_len == 0;
}

/* ---- out ---- */

static void queue_control(struct connection *connection, enum wsl_opcode opcode, const uint8_t *payload,
                          size_t len) {
  if (connection->control_sent > 0 || connection->close_sent) return;
  /* A pong that has not left is overtaken by the next (RFC 6455 5.5.3). */
  connection->control_len =
      (uint8_t)client_control_frame(connection->control, opcode, payload, len, control_mask);
}

/* How many bytes of the stream may leave now: a control frame waits for the end of a frame, no longer. */
static uint64_t may_send(const struct connection *connection) {
  uint64_t frame_len = connection->client->outgoing->frame_len;
  uint64_t to_frame_end = (frame_len - connection->wire_sent % frame_len) % frame_len;
  bool closing = connection->state == CONNECTION_CLOSING;
  if (connection->control_len > 0 || closing) return connection->client->handshake == NULL ? 0 : to_frame_end;
  if (connection->allowed == MESSAGES_UNLIMITED) return WRITE_MAX;
  uint64_t begun = connection->wire_sent / frame_len;
  if (connection->allowed <= begun) return to_frame_end;
  /* Far more than one write takes is enough to know: the product could overflow. */
  uint64_t messages = connection->allowed - begun;
  if (messages > WRITE_MAX) return WRITE_MAX;
  return messages * frame_len - connection->wire_sent % frame_len;
}

/* A write's outcome: how much, 0 for "not now", or the connection's end. */
static bool wrote(struct connection *connection, int64_t sent, size_t *taken) {
  *taken = sent > 0 ? (size_t)sent : 0;
  if (sent >= 0 || sent == WSL_AGAIN) return true;
  /* What the server said before it closed lies unread: it tells more than the write's error. */
  if (transport_readable(connection->transport)) {
    transport_again(connection->transport);
    return true;
  }
  char sentence[CLIENT_FAILURE_MAX];
  connection->was_reset = true;
  if (connection->close_received) return connection_end(connection);
  (void)snprintf(sentence, sizeof sentence, "the connection broke: %s", error_text((int)sent));
  return connection_fail(connection, FAILURE_CLOSED, sentence);
}

static bool send_control(struct connection *connection) {
  size_t taken;
  const uint8_t *rest = connection->control + connection->control_sent;
  size_t left = (size_t)connection->control_len - connection->control_sent;
  if (!wrote(connection, transport_write(connection->transport, rest, left), &taken)) return false;
  connection->control_sent = (uint8_t)(connection->control_sent + taken);
  if (connection->control_sent == connection->control_len)
    connection->control_len = connection->control_sent = 0;
  return true;
}

static bool send_messages(struct connection *connection, uint64_t len) {
  struct iovec parts[TRANSPORT_PARTS_MAX];
  size_t taken;
  if (len > WRITE_MAX) len = WRITE_MAX;
  int count =
      outgoing_parts(connection->client->outgoing, connection->wire_sent, len, parts, TRANSPORT_PARTS_MAX);
  if (!wrote(connection, transport_writev(connection->transport, parts, count), &taken)) return false;
  connection->wire_sent += taken;
  return true;
}

/* The end of what we send, once the frame that was begun has left. */
static bool send_end(struct connection *connection) {
  if (connection->close_sent) return true;
  if (connection->client->handshake == NULL) {
    connection->close_sent = true;
    return transport_finish(connection->transport) == WSL_OK || connection_end(connection);
  }
  static const uint8_t normal[2] = {WSL_CLOSE_NORMAL >> 8, WSL_CLOSE_NORMAL & 0xff};
  queue_control(connection, WSL_OP_CLOSE, normal, sizeof normal);
  connection->close_sent = true;
  return send_control(connection);
}

/* One write's worth; *more when another may follow. */
static bool send_once(struct connection *connection, bool *more) {
  uint64_t len = connection->control_sent > 0 ? 0 : may_send(connection);
  *more = true;
  if (len > 0) return send_messages(connection, len);
  if (connection->control_len > 0) return send_control(connection);
  *more = false;
  return connection->state == CONNECTION_CLOSING ? send_end(connection) : true;
}

static bool send_more(struct connection *connection) {
  bool more = true;
  for (unsigned i = 0; more && i < WRITES_A_TURN && transport_writable(connection->transport); i++)
    if (!send_once(connection, &more)) return false;
  if (more && transport_writable(connection->transport)) transport_again(connection->transport);
  return true;
}

/* ---- in ---- */

static bool wrong_byte(struct connection *connection, uint64_t offset, uint8_t got) {
  char sentence[CLIENT_FAILURE_MAX];
  (void)snprintf(sentence, sizeof sentence,
                 "wrong content: byte %llu of what was received is 0x%02x and should be 0x%02x",
                 (unsigned long long)offset, got, pattern_at(connection->client->pattern, offset));
  return connection_fail(connection, FAILURE_CONTENT, sentence);
}

static bool take_payload(struct connection *connection, const uint8_t *payload, size_t len) {
  const struct client *client = connection->client;
  if (client->verify) {
    size_t right = pattern_check(client->pattern, connection->payload_received, payload, len);
    if (right < len) return wrong_byte(connection, connection->payload_received + right, payload[right]);
  }
  connection->payload_received += len;
  if (connection->state != CONNECTION_OPEN) return true;
  client->events->on_payload(connection);
  return connection->state != CONNECTION_GONE;
}

/* Server's words made fit for a terminal: other bytes than printable ASCII become dots. */
static void show_reason(char *out, size_t cap, const uint8_t *reason, size_t len) {
  size_t shown = len < cap - 1 ? len : cap - 1;
  for (size_t i = 0; i < shown; i++)
    out[i] = reason[i] >= ' ' && reason[i] < 0x7f ? (char)reason[i] : '.';
  out[shown] = '\0';
}

/* What may answer our Close 1000: the same code (RFC 6455 5.5.1), none, or bytes that are no code at all:
 * lighttpd 1.4 writes "1000" in digits. */
static bool answers_close(uint16_t code) {
  return code == WSL_CLOSE_NORMAL || code == WSL_CLOSE_NO_STATUS || !close_code_exists(code);
}

static bool take_close(struct connection *connection, const struct frame_result *result) {
  char reason[WSL_CONTROL_PAYLOAD_MAX + 1], sentence[CLIENT_FAILURE_MAX];
  const struct frame_reader *reader = &connection->reader;
  connection->close_received = true;
  connection->close_code = result->close_code;
  if (connection->state == CONNECTION_CLOSING && answers_close(result->close_code)) return true;
  size_t reason_len = reader->control_len > 2 ? reader->control_len - 2u : 0;
  show_reason(reason, sizeof reason, reader->control + 2, reason_len);
  (void)snprintf(sentence, sizeof sentence, "the server %s with code %u%s%s%s",
                 connection->state == CONNECTION_CLOSING ? "answered the Close" : "closed the connection",
                 result->close_code, reason_len > 0 ? " \"" : "", reason,
                 reason_len > 0 ? "\"" : " and no reason");
  return connection_fail(connection, FAILURE_CLOSED, sentence);
}

static bool take_violation(struct connection *connection, const char *reason) {
  char sentence[CLIENT_FAILURE_MAX];
  (void)snprintf(sentence, sizeof sentence, "the server breaks RFC 6455: %s", reason);
  return connection_fail(connection, FAILURE_CONTENT, sentence);
}

static bool take_event(struct connection *connection, const struct frame_result *result) {
  const struct frame_reader *reader = &connection->reader;
  switch (result->event) {
    case FRAME_EVENT_PAYLOAD:
      return take_payload(connection, result->payload, result->payload_len);
    case FRAME_EVENT_PING:
      queue_control(connection, WSL_OP_PONG, reader->control, reader->control_len);
      return true;
    case FRAME_EVENT_CLOSE:
      return take_close(connection, result);
    case FRAME_EVENT_VIOLATION:
      return take_violation(connection, result->reason);
    case FRAME_EVENT_PONG:
    case FRAME_EVENT_MORE:
      break;
  }
  return true;
}

bool connection_take(struct connection *connection, const uint8_t *bytes, size_t len) {
  if (connection->client->handshake == NULL) return take_payload(connection, bytes, len);
  size_t at = 0;
  while (at < len && !connection->close_received) {
    struct frame_result result = frame_reader_feed(&connection->reader, bytes + at, len - at);
    at += result.consumed;
    if (!take_event(connection, &result)) return false;
  }
  return true;
}

static bool input_over(struct connection *connection, int64_t outcome) {
  char sentence[CLIENT_FAILURE_MAX];
  connection->was_reset = outcome < 0;
  if (connection->state == CONNECTION_CLOSING) return connection_end(connection);
  if (outcome == 0)
    (void)snprintf(sentence, sizeof sentence, "the server ended the connection%s",
                   connection->client->handshake == NULL ? "" : " without a Close");
  else
    (void)snprintf(sentence, sizeof sentence, "the connection broke: %s", error_text((int)outcome));
  return connection_fail(connection, FAILURE_CLOSED, sentence);
}

static bool receive(struct connection *connection) {
  struct client *client = connection->client;
  uint8_t *buffer = client->lane->buffer;
  for (unsigned i = 0; i < READS_A_TURN && transport_readable(connection->transport); i++) {
    int64_t got = transport_read(connection->transport, buffer, LANE_BUFFER_LEN);
    if (got == WSL_AGAIN) return true;
    if (got <= 0) return input_over(connection, got);
    client->now_ns = uv_hrtime();
    if (!connection_take(connection, buffer, (size_t)got)) return false;
  }
  if (transport_readable(connection->transport)) transport_again(connection->transport);
  return true;
}

bool connection_pump(struct connection *connection) {
  return receive(connection) && send_more(connection);
}

bool connection_allow(struct connection *connection, uint64_t messages) {
  connection->allowed = messages;
  return connection->state != CONNECTION_OPEN || send_more(connection);
}

void connection_close(struct connection *connection) {
  if (connection->state != CONNECTION_OPEN) return;
  connection->state = CONNECTION_CLOSING;
  connection->closing_ns = uv_hrtime();
  transport_again(connection->transport);
}
