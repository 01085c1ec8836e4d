/* The WebSocket upgrade: RFC 6455 4.2.1 on what a client must send, 4.2.2 on what we answer.
 *
 * Every reason is one sentence for the person who reads it in the output of curl or a browser's
 * network panel: which header, and what it should be.
 */
#include <wsluice/base64.h>
#include <wsluice/request.h>

#include "codec/chars.h"
#include "codec/request_parts.h"
#include "core/hash.h"

#define KEY_LEN         24u /* base64 of 16 bytes: 22 characters and "==" */
#define KEY_DIGITS      22u
#define ACCEPT_GUID     "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 1.3 */
#define ACCEPT_GUID_LEN 36u
#define VERSION_MAX     255u /* RFC 6455 4.3: at most three digits, no leading zero */

bool upgrade_attempted(const struct wsl_head *head) {
  struct wsl_span ignored;
  return request_list_has(head, "Upgrade", "websocket") ||
         request_field_count(head, "Sec-WebSocket-Key", &ignored) > 0 ||
         request_field_count(head, "Sec-WebSocket-Version", &ignored) > 0;
}

/* A number as 4.3 spells it, or -1. */
static int parse_version(struct wsl_span text) {
  if (text.len == 0 || text.len > 3 || (text.len > 1 && text.at[0] == '0')) return -1;
  int version = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (!char_is_digit(text.at[i])) return -1;
    version = version * 10 + (text.at[i] - '0');
  }
  return version <= (int)VERSION_MAX ? version : -1;
}

static bool read_version(const struct wsl_head *head, struct wsl_request *request) {
  struct wsl_span value = {NULL, 0};
  uint32_t count = request_field_count(head, "Sec-WebSocket-Version", &value);
  int version = parse_version(value);
  if (count == 1 && version == 13) return true;
  request->offer_version = true;
  if (count == 0) {
    request_refuse(request, 426, "Sec-WebSocket-Version is missing: it must be 13");
  } else if (count > 1) {
    request_refuse(request, 400, "More than one Sec-WebSocket-Version: it must be 13, once");
  } else if (version < 0) {
    request_refuse(request, 400, "Sec-WebSocket-Version is not a number: it must be 13");
  } else {
    request_refuse(request, 426, "Sec-WebSocket-Version must be 13");
  }
  return false;
}

static bool is_base64(char byte) {
  return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || char_is_digit(byte) || byte == '+' ||
         byte == '/';
}

/* Whether `key` decodes to 16 bytes. The four bits that the last digit has too many may be anything:
 * the RFC's own example in 4.1 ends in "EC==", where a strict encoder writes "EA==". */
static bool key_valid(struct wsl_span key) {
  if (key.len != KEY_LEN || key.at[KEY_DIGITS] != '=' || key.at[KEY_DIGITS + 1] != '=') return false;
  for (size_t i = 0; i < KEY_DIGITS; i++) {
    if (!is_base64(key.at[i])) return false;
  }
  return true;
}

/* Base64 of the SHA-1 of the key as sent, and the GUID (4.2.2). */
static bool compute_accept(struct wsl_span key, char accept[WSL_ACCEPT_LEN + 1]) {
  char text[KEY_LEN + ACCEPT_GUID_LEN];
  uint8_t digest[SHA1_SIZE];
  memcpy(text, key.at, KEY_LEN);
  memcpy(text + KEY_LEN, ACCEPT_GUID, ACCEPT_GUID_LEN);
  if (hash_sha1(text, sizeof(text), digest) != 0) return false;
  wsl_base64_encode((uint8_t *)accept, digest, sizeof(digest));
  accept[WSL_ACCEPT_LEN] = '\0';
  return true;
}

static bool read_key(const struct wsl_head *head, struct wsl_request *request) {
  struct wsl_span key = {NULL, 0};
  uint32_t count = request_field_count(head, "Sec-WebSocket-Key", &key);
  if (count == 0) {
    request_refuse(request, 400, "Sec-WebSocket-Key is missing: it must be 16 bytes in base64");
  } else if (count > 1) {
    request_refuse(request, 400, "More than one Sec-WebSocket-Key");
  } else if (!key_valid(key)) {
    request_refuse(request, 400, "Sec-WebSocket-Key must be 16 bytes in base64");
  } else if (!compute_accept(key, request->accept)) {
    request_refuse(request, 500, "The answer to Sec-WebSocket-Key could not be computed");
  } else {
    return true;
  }
  return false;
}

static bool is_configured(const struct wsl_subprotocols *configured, struct wsl_span name) {
  for (size_t i = 0; i < configured->count; i++) {
    if (wsl_span_equal(name, wsl_span_of(configured->names[i]))) return true;
  }
  return false;
}

/* How much we like an offer; the first of the best is taken. */
enum preference { PREFER_NONE, PREFER_BASE64, PREFER_FIRST, PREFER_CONFIGURED, PREFER_BINARY };

/* "binary" is what websockify's clients mean. "base64" was its other one, which promises to encode every
 * message: taken where a client offers nothing better, unless an operator configures it. */
static enum preference preference(const struct wsl_subprotocols *configured, struct wsl_span name) {
  if (wsl_span_equal(name, wsl_span_of("binary"))) return PREFER_BINARY;
  if (is_configured(configured, name)) return PREFER_CONFIGURED;
  return wsl_span_equal(name, wsl_span_of("base64")) ? PREFER_BASE64 : PREFER_FIRST;
}

static bool choose_subprotocol(const struct wsl_head *head, const struct wsl_subprotocols *configured,
                               struct wsl_request *request) {
  struct wsl_span name = wsl_span_of("Sec-WebSocket-Protocol");
  struct wsl_span value, offer;
  uint32_t field = 0, offers = 0, lines = 0;
  enum preference best = PREFER_NONE;
  bool all_tokens = true;
  while (wsl_head_next(head, name, &field, &value)) {
    for (lines++; wsl_list_next(&value, &offer); offers++) {
      all_tokens = all_tokens && wsl_token_valid(offer);
      enum preference this_one = preference(configured, offer);
      if (this_one <= best) continue;
      best = this_one;
      request->subprotocol = offer;
    }
  }
  if (all_tokens && (lines == 0 || offers > 0)) return true;
  request->subprotocol = (struct wsl_span){NULL, 0};
  request_refuse(request, 400, "Sec-WebSocket-Protocol must be a list of names, separated by commas");
  return false;
}

/* RFC 6454 7.3: one Origin at most. Whose rule decides must not depend on which line is read. */
static bool judge_origin(const struct wsl_head *head, struct wsl_request *request) {
  struct wsl_span ignored;
  if (request_field_count(head, "Origin", &ignored) <= 1) return true;
  request_refuse(request, 400, "More than one Origin");
  return false;
}

/* A body would be taken for frames (RFC 6455 4.1: the request has none). */
static bool judge_body(const struct body_framing *body, struct wsl_request *request) {
  if (!body->transfer_encoding && body->length_count <= 1 && body->length == 0) return true;
  request_refuse(request, 400, "A WebSocket upgrade must have no body");
  return false;
}

void upgrade_read(const struct wsl_head *head, const struct body_framing *body,
                  const struct wsl_subprotocols *configured, struct wsl_request *request) {
  if (!wsl_span_equal(request->method, wsl_span_of("GET"))) {
    request_refuse(request, 405, "A WebSocket upgrade must be a GET request");
    request->allow = "GET";
  } else if (!request_list_has(head, "Upgrade", "websocket")) {
    request_refuse(request, 400, "Upgrade must be websocket");
  } else if (!request_list_has(head, "Connection", "upgrade")) {
    request_refuse(request, 400, "Connection must hold Upgrade");
  } else if (read_version(head, request) && read_key(head, request) && judge_body(body, request) &&
             judge_origin(head, request) && choose_subprotocol(head, configured, request)) {
    request->kind = WSL_REQUEST_UPGRADE;
  }
}

/* Appends to out[0..cap) at *len; once something did not fit, *len stays over cap. */
static void append(char *out, size_t cap, size_t *len, struct wsl_span text) {
  if (*len <= cap && text.len <= cap - *len) {
    memcpy(out + *len, text.at, text.len);
    *len += text.len;
  } else {
    *len = cap + 1;
  }
}

size_t wsl_upgrade_answer(const struct wsl_request *request, char *out, size_t cap) {
  size_t len = 0;
  append(out, cap, &len,
         wsl_span_of("HTTP/1.1 101 Switching Protocols\r\n"
                     "Upgrade: websocket\r\n"
                     "Connection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: "));
  append(out, cap, &len, (struct wsl_span){request->accept, WSL_ACCEPT_LEN});
  if (request->subprotocol.len > 0) {
    append(out, cap, &len, wsl_span_of("\r\nSec-WebSocket-Protocol: "));
    append(out, cap, &len, request->subprotocol);
  }
  append(out, cap, &len, wsl_span_of("\r\n\r\n"));
  return len <= cap ? len : 0;
}
