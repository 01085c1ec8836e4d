/* The life of a connection: dialling, TLS, the upgrade, its end (connection.h). What flows in between is
 * connection_traffic.c's. */
#include "loadgen/connection.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#include "core/error.h"
#include "loadgen/connection_inner.h"

void client_fail(struct client *client, enum failure_kind kind, const char *format, ...) {
  if (client->quiet) return;
  client->failures[kind]++;
  if (client->failure[0] != '\0') return;
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(client->failure, sizeof client->failure, format, arguments);
  va_end(arguments);
}

void connection_drop(struct connection *connection) {
  free(connection->head);
  connection->head = NULL;
  if (connection->transport != NULL) transport_reset(connection->transport);
  connection->transport = NULL;
  connection->state = CONNECTION_GONE;
}

bool connection_fail(struct connection *connection, enum failure_kind kind, const char *sentence) {
  struct client *client = connection->client;
  if (client->connections > 1)
    client_fail(client, kind, "connection %zu: %s", connection->number, sentence);
  else
    client_fail(client, kind, "%s", sentence);
  connection_drop(connection);
  client->events->on_end(connection, false);
  return false;
}

bool connection_end(struct connection *connection) {
  transport_close(connection->transport);
  connection->transport = NULL;
  connection_drop(connection);
  connection->client->events->on_end(connection, true);
  return false;
}

static bool connect_failed(struct connection *connection, int error);

static void dial(struct connection *connection) {
  struct client *client = connection->client;
  const struct endpoint *endpoint = client->endpoint;
  int fd = -1;
  connection->state = CONNECTION_CONNECTING;
  const struct address *source =
      client->sources_count > 0 ? &client->sources[client->dials++ % client->sources_count] : NULL;
  int error = endpoint_connect(&endpoint->addresses[connection->address], source, &fd);
  if (error == WSL_OK) {
    connection->transport =
        stream_open(&client->lane->streams, fd, endpoint->kind, connection_on_ready, connection);
    if (connection->transport != NULL) return;
    error = WSL_NO_MEMORY;
  }
  (void)connect_failed(connection, error);
}

/* What to do about an error, where people would have to look it up. */
static const char *hint_for(int error) {
  switch (error) {
    case WSL_NO_PORT:
      return " (no local port is left toward it: give --source-address, several in turns)";
    case WSL_NO_ADDRESS:
      return ": see --source-address";
    case WSL_AGAIN:
      return " (its backlog is full: try fewer --connections)";
    default:
      return "";
  }
}

/* An address that does not answer: the next, where there is one and none has answered so far. */
static bool connect_failed(struct connection *connection, int error) {
  struct client *client = connection->client;
  char address[ADDRESS_TEXT_MAX], sentence[CLIENT_FAILURE_MAX];
  if (connection->transport != NULL) transport_reset(connection->transport);
  connection->transport = NULL;
  if (client->preferred == connection->address && connection->address + 1 < client->endpoint->count) {
    client->preferred = ++connection->address;
    dial(connection);
    return connection->state != CONNECTION_GONE;
  }
  (void)address_format(&client->endpoint->addresses[connection->address], address);
  (void)snprintf(sentence, sizeof sentence, "cannot connect to %s: %s%s", address, error_text(error),
                 hint_for(error));
  return connection_fail(connection, FAILURE_CONNECT, sentence);
}

void connection_start(struct connection *connection, struct client *client, size_t number) {
  uint64_t *stamps = connection->stamps;
  *connection =
      (struct connection){.client = client, .number = number, .address = client->preferred, .stamps = stamps};
  connection->started_ns = uv_hrtime();
  frame_reader_init(&connection->reader);
  dial(connection);
}

static bool opened(struct connection *connection) {
  connection->state = CONNECTION_OPEN;
  connection->client->events->on_open(connection);
  return connection->state != CONNECTION_GONE;
}

/* The stream is there: next comes the upgrade, if any. */
static bool begin_upgrade(struct connection *connection) {
  if (connection->client->handshake == NULL) return opened(connection);
  connection->state = CONNECTION_UPGRADING;
  return true;
}

static bool step_connecting(struct connection *connection) {
  struct client *client = connection->client;
  struct transport *transport = connection->transport;
  int system_error = 0;
  socklen_t len = sizeof system_error;
  if (!(transport->ready & (TRANSPORT_WRITABLE | TRANSPORT_FAILED))) return false;
  if (getsockopt(stream_fd(transport), SOL_SOCKET, SO_ERROR, &system_error, &len) != 0) system_error = 0;
  if (system_error != 0) return connect_failed(connection, error_from_errno(system_error)) && false;
  if (client->context == NULL) return begin_upgrade(connection);
  const char *host = client->endpoint->kind == STREAM_UNIX ? NULL : client->host;
  transport = tls_connect(client->tls, client->context, transport, host, connection_on_ready, connection);
  if (transport == NULL) return connection_fail(connection, FAILURE_CONNECT, "no memory for TLS");
  connection->transport = transport;
  connection->state = CONNECTION_SECURING;
  return true;
}

static bool tls_failed(struct connection *connection, int error) {
  char sentence[CLIENT_FAILURE_MAX];
  const char *words = transport_failure(connection->transport);
  (void)snprintf(sentence, sizeof sentence, "TLS: %s", words[0] != '\0' ? words : error_text(error));
  return connection_fail(connection, FAILURE_CONNECT, sentence);
}

static bool step_securing(struct connection *connection) {
  struct transport *transport = connection->transport;
  if (transport->ready & TRANSPORT_FAILED || tls_state(transport) == TLS_FAILED) {
    uint8_t byte;
    return tls_failed(connection, (int)transport_read(transport, &byte, 1));
  }
  if (tls_state(transport) != TLS_OPEN) return false;
  int error = tls_check_address(transport, connection->client->host);
  if (error != WSL_OK) return tls_failed(connection, error);
  return begin_upgrade(connection);
}

/* Sends what is left of the request. */
static bool send_request(struct connection *connection) {
  const struct handshake *handshake = connection->client->handshake;
  size_t left = handshake->request_len - connection->request_sent;
  if (left == 0 || !transport_writable(connection->transport)) return true;
  const uint8_t *rest = (const uint8_t *)handshake->request + connection->request_sent;
  int64_t sent = transport_write(connection->transport, rest, left);
  if (sent == WSL_AGAIN) return true;
  if (sent < 0) return connection_fail(connection, FAILURE_CONNECT, error_text((int)sent));
  connection->request_sent += (size_t)sent;
  return true;
}

/* Keeps a part of an answer until the rest comes. */
static bool stash_head(struct connection *connection, const uint8_t *bytes, size_t len) {
  char *head = realloc(connection->head, connection->head_len + len);
  if (head == NULL) return connection_fail(connection, FAILURE_CONNECT, "no memory");
  memcpy(head + connection->head_len, bytes, len);
  connection->head = head;
  connection->head_len += len;
  return true;
}

/* The answer is whole; frames may lie behind it. */
static bool upgraded(struct connection *connection, const uint8_t *frames, size_t len) {
  char *head = connection->head; /* may hold the frames */
  connection->head = NULL;
  bool alive = opened(connection);
  if (alive && len > 0) alive = connection_take(connection, frames, len);
  free(head);
  return alive;
}

static bool judge_answer(struct connection *connection, const uint8_t *bytes, size_t len) {
  char why[HANDSHAKE_WHY_MAX];
  size_t head_len = 0;
  bool in_pieces = connection->head != NULL;
  if (in_pieces) {
    if (!stash_head(connection, bytes, len)) return false;
    bytes = (const uint8_t *)connection->head;
    len = connection->head_len;
  }
  switch (handshake_read(connection->client->handshake, (const char *)bytes, len, &head_len, why)) {
    case HANDSHAKE_DONE:
      return upgraded(connection, bytes + head_len, len - head_len);
    case HANDSHAKE_REFUSED:
      return connection_fail(connection, FAILURE_CONNECT, why);
    case HANDSHAKE_MORE:
      break;
  }
  return in_pieces || stash_head(connection, bytes, len);
}

static bool step_upgrading(struct connection *connection) {
  struct lane *lane = connection->client->lane;
  if (!send_request(connection)) return false;
  while (connection->state == CONNECTION_UPGRADING && transport_readable(connection->transport)) {
    int64_t got = transport_read(connection->transport, lane->buffer, LANE_BUFFER_LEN);
    if (got == WSL_AGAIN) return true;
    if (got == 0)
      return connection_fail(connection, FAILURE_CONNECT, "the server closed before it answered the upgrade");
    if (got < 0) {
      char sentence[CLIENT_FAILURE_MAX];
      (void)snprintf(sentence, sizeof sentence, "no answer to the upgrade: %s", error_text((int)got));
      return connection_fail(connection, FAILURE_CONNECT, sentence);
    }
    if (!judge_answer(connection, lane->buffer, (size_t)got)) return false;
  }
  return true;
}

/* One state's work each; false where it must wait, or is gone. */
static bool step(struct connection *connection) {
  switch (connection->state) {
    case CONNECTION_CONNECTING:
      return step_connecting(connection);
    case CONNECTION_SECURING:
      return step_securing(connection);
    case CONNECTION_UPGRADING:
      return step_upgrading(connection);
    case CONNECTION_OPEN:
    case CONNECTION_CLOSING:
      (void)connection_pump(connection);
      return false;
    case CONNECTION_GONE:
      break;
  }
  return false;
}

void connection_on_ready(struct transport *transport, void *owner) {
  struct connection *connection = owner;
  assert(connection->transport == transport || connection->state == CONNECTION_SECURING);
  (void)transport;
  enum connection_state before;
  do {
    before = connection->state;
  } while (step(connection) && connection->state != before);
}
