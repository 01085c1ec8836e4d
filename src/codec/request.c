/* What a complete request head means (RFC 9110, RFC 9112): host, target, body and connection.
 *
 * Whatever different servers and proxies are known to read differently (two hosts, two lengths, a
 * length beside a transfer coding) is refused here rather than guessed: guesses smuggle requests.
 * The rules of the WebSocket upgrade are in upgrade.c.
 */
#include <wsluice/request.h>

#include "codec/chars.h"
#include "codec/request_parts.h"
#include "core/parse.h"

uint32_t request_field_count(const struct wsl_head *head, const char *name, struct wsl_span *value) {
  struct wsl_span name_span = wsl_span_of(name);
  uint32_t count = 0, field = 0;
  struct wsl_span next;
  while (wsl_head_next(head, name_span, &field, &next)) {
    if (count++ == 0) *value = next;
  }
  return count;
}

bool request_list_has(const struct wsl_head *head, const char *name, const char *token) {
  struct wsl_span name_span = wsl_span_of(name), token_span = wsl_span_of(token);
  struct wsl_span value, element;
  uint32_t field = 0;
  while (wsl_head_next(head, name_span, &field, &value)) {
    while (wsl_list_next(&value, &element)) {
      if (wsl_span_equal_nocase(element, token_span)) return true;
    }
  }
  return false;
}

/* ---- host ------------------------------------------------------------------------------------ */

/* Length of the IP literal in brackets that `text` begins with, or 0 (RFC 3986 3.2.2; the digits are
 * left to whoever looks the name up). */
static size_t ip_literal_len(struct wsl_span text) {
  size_t i = 1;
  while (i < text.len && (char_is(text.at[i], CHAR_HOST) || text.at[i] == ':'))
    i++;
  bool closed = i > 1 && i < text.len && text.at[i] == ']';
  return closed ? i + 1 : 0;
}

/* Length of the registered name or IPv4 address that `text` begins with; 0 also for a bad escape. */
static size_t name_len(struct wsl_span text) {
  size_t i = 0;
  while (i < text.len) {
    if (char_is(text.at[i], CHAR_HOST)) {
      i++;
    } else if (text.at[i] == '%') {
      bool escape = text.len - i > 2 && parse_hex_digit(text.at[i + 1]) >= 0 &&  //
                    parse_hex_digit(text.at[i + 2]) >= 0;
      if (!escape) return 0;
      i += 3;
    } else {
      break;
    }
  }
  return i;
}

/* Whether `text` is uri-host [ ":" port ], the host not empty (RFC 9110 7.2, 4.2.1). */
static bool authority_valid(struct wsl_span text) {
  if (text.len == 0) return false;
  size_t i = text.at[0] == '[' ? ip_literal_len(text) : name_len(text);
  if (i == 0) return false;
  if (i == text.len) return true;
  if (text.at[i++] != ':') return false;
  while (i < text.len && char_is_digit(text.at[i]))
    i++;
  return i == text.len;
}

/* RFC 9112 3.2. False when the request was refused. */
static bool read_host(const struct wsl_head *head, struct wsl_request *request) {
  struct wsl_span host = {NULL, 0};
  uint32_t count = request_field_count(head, "Host", &host);
  bool may_lack = head->minor_version == 0;
  if (count == 0 && !may_lack) {
    request_refuse(request, 400, "Host is missing: HTTP/1.1 requires exactly one");
  } else if (count > 1) {
    request_refuse(request, 400, "More than one Host");
  } else if (!authority_valid(host) && !(host.len == 0 && may_lack)) {
    request_refuse(request, 400, "Host must be a host name or address, optionally with a port");
  } else {
    request->authority = host;
    return true;
  }
  return false;
}

/* ---- target ---------------------------------------------------------------------------------- */

static void set_path_and_query(struct wsl_span target, struct wsl_request *request) {
  const char *mark = target.len > 0 ? memchr(target.at, '?', target.len) : NULL;
  size_t path_len = mark ? (size_t)(mark - target.at) : target.len;
  request->path = path_len > 0 ? (struct wsl_span){target.at, path_len} : wsl_span_of("/");
  if (mark) request->query = (struct wsl_span){mark + 1, target.len - path_len - 1};
}

/* Takes "scheme://" with a scheme that we may serve off the front of *target. */
static bool take_scheme(struct wsl_span *target) {
  static const char *const schemes[] = {"http://", "https://", "ws://", "wss://"};
  for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
    struct wsl_span scheme = wsl_span_of(schemes[i]);
    if (target->len < scheme.len) continue;
    if (!wsl_span_equal_nocase((struct wsl_span){target->at, scheme.len}, scheme)) continue;
    target->at += scheme.len;
    target->len -= scheme.len;
    return true;
  }
  return false;
}

/* Absolute form: its authority replaces Host's (RFC 9112 3.2.2). */
static bool read_absolute(struct wsl_span target, struct wsl_request *request) {
  if (!take_scheme(&target)) return false;
  size_t i = 0;
  while (i < target.len && target.at[i] != '/' && target.at[i] != '?')
    i++;
  struct wsl_span authority = {target.at, i};
  if (!authority_valid(authority)) return false;
  request->authority = authority;
  set_path_and_query((struct wsl_span){target.at + i, target.len - i}, request);
  return true;
}

/* RFC 9112 3.2: the four forms. False when the request was refused. */
static bool read_target(const struct wsl_head *head, struct wsl_request *request) {
  struct wsl_span target = wsl_head_target(head);
  if (wsl_span_equal(request->method, wsl_span_of("CONNECT"))) {
    if (authority_valid(target)) {
      request->authority = target;
      return true; /* no path: the caller answers 405 */
    }
  } else if (target.at[0] == '/') {
    set_path_and_query(target, request);
    return true;
  } else if (wsl_span_equal(target, wsl_span_of("*"))) {
    if (wsl_span_equal(request->method, wsl_span_of("OPTIONS"))) {
      request->path = target;
      return true;
    }
  } else if (read_absolute(target, request)) {
    return true;
  }
  request_refuse(request, 400, "The request target must be a path or an absolute URL");
  return false;
}

/* ---- body and connection --------------------------------------------------------------------- */

/* Digits only, within 64 bits. */
static bool parse_length(struct wsl_span text, uint64_t *length) {
  *length = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (!char_is_digit(text.at[i])) return false;
    uint64_t digit = (uint64_t)(text.at[i] - '0');
    if (*length > (UINT64_MAX - digit) / 10) return false;
    *length = *length * 10 + digit;
  }
  return text.len > 0;
}

/* Content-Length is one number, but equal ones, on lines or in a list, may stand for one (RFC 9112
 * 6.3). False when they make no sense. */
static bool read_lengths(const struct wsl_head *head, struct body_framing *body) {
  struct wsl_span name = wsl_span_of("Content-Length");
  struct wsl_span value, element;
  uint32_t field = 0;
  while (wsl_head_next(head, name, &field, &value)) {
    uint32_t commas = 0, elements = 0;
    for (size_t i = 0; i < value.len; i++)
      commas += value.at[i] == ',';
    while (wsl_list_next(&value, &element)) {
      uint64_t length;
      if (!parse_length(element, &length)) return false;
      if (body->length_count > 0 && length != body->length) return false;
      body->length = length;
      body->length_count++;
      elements++;
    }
    if (elements != commas + 1) return false; /* an empty element, or nothing at all */
  }
  return true;
}

/* We never read a body, so a coding only has to be such that its end could be found (RFC 9112 6.3).
 * False when the request was refused. */
static bool judge_transfer_encoding(const struct wsl_head *head, struct wsl_request *request) {
  struct wsl_span name = wsl_span_of("Transfer-Encoding"), chunked = wsl_span_of("chunked");
  struct wsl_span value, element;
  uint32_t field = 0, others = 0;
  bool ends_chunked = false;
  while (wsl_head_next(head, name, &field, &value)) {
    while (wsl_list_next(&value, &element)) {
      others += ends_chunked || !wsl_span_equal_nocase(element, chunked);
      ends_chunked = wsl_span_equal_nocase(element, chunked);
    }
  }
  if (!ends_chunked) {
    request_refuse(request, 400, "Transfer-Encoding must end in chunked");
  } else if (others > 0) {
    request_refuse(request, 501, "The only Transfer-Encoding supported is chunked");
  } else {
    return true;
  }
  return false;
}

static bool read_framing(const struct wsl_head *head, struct wsl_request *request,
                         struct body_framing *body) {
  struct wsl_span ignored;
  body->transfer_encoding = request_field_count(head, "Transfer-Encoding", &ignored) > 0;
  if (!read_lengths(head, body)) {
    request_refuse(request, 400, "Content-Length must be one number");
  } else if (!body->transfer_encoding) {
    return true;
  } else if (body->length_count > 0) {
    request_refuse(request, 400, "Transfer-Encoding and Content-Length exclude each other");
  } else if (head->minor_version == 0) {
    request_refuse(request, 400, "Transfer-Encoding does not exist in HTTP/1.0");
  } else {
    return judge_transfer_encoding(head, request);
  }
  return false;
}

/* RFC 9112 9.3. Behind a CONNECT no request is looked for: a client that did not wait for the answer has
 * sent the tunnel's bytes there, and they may be anybody's (RFC 9110 9.3.6). */
static bool stays_open(const struct wsl_head *head, const struct body_framing *body) {
  if (body->transfer_encoding || body->length > 0) return false;
  if (wsl_span_equal(wsl_head_method(head), wsl_span_of("CONNECT"))) return false;
  if (request_list_has(head, "Connection", "close")) return false;
  return head->minor_version > 0 || request_list_has(head, "Connection", "keep-alive");
}

void wsl_request_read(const struct wsl_head *head, const struct wsl_subprotocols *configured,
                      struct wsl_request *request) {
  *request = (struct wsl_request){.kind = WSL_REQUEST_PLAIN, .method = wsl_head_method(head)};
  (void)request_field_count(head, "Origin", &request->origin);
  (void)request_field_count(head, "User-Agent", &request->user_agent);
  struct body_framing body = {0};
  if (!read_host(head, request)) return;
  if (!read_target(head, request)) return;
  if (!read_framing(head, request, &body)) return;
  request->keep_alive = stays_open(head, &body);
  bool can_upgrade = head->minor_version > 0; /* RFC 9110 7.8 */
  if (can_upgrade && upgrade_attempted(head)) upgrade_read(head, &body, configured, request);
}
