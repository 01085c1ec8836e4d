/* See server/connection/program_words.h. */
#include "server/connection/program_words.h"

#include <stdlib.h>
#include <string.h>

#include "codec/chars.h"
#include "codec/http/percent.h"
#include "codec/http/query.h"
#include "core/cut.h"
#include "core/error.h"
#include "core/parse.h"
#include "route/auth/cookie.h"

/* All that is not the client's: names, addresses, numbers. */
#define FIXED_ROOM 1024u

/* "HTTP_", "=" and the NUL. */
#define HEADER_ROOM 8u

/* Characters of a terminal's line or column; what a screen has. */
#define TERMINAL_SIZE_MAX 1000u

static void end_word(struct text *words) {
  text_span(words, (struct wsl_span){"", 1});
}

static void put(struct text *words, const char *name, struct wsl_span value) {
  text_format(words, "%s=", name);
  text_span(words, value);
  end_word(words);
}

static void put_string(struct text *words, const char *name, const char *value) {
  put(words, name, wsl_span_of(value));
}

/* ---- addresses ---- */

/* The host of an address without its port and brackets; "unix" for a Unix socket. */
static struct wsl_span host_of(const char *formatted) {
  if (strncmp(formatted, "unix:", strlen("unix:")) == 0) return wsl_span_of("unix");
  const char *end = strrchr(formatted, ':');
  struct wsl_span host = {formatted, end == NULL ? strlen(formatted) : (size_t)(end - formatted)};
  if (host.len >= 2 && host.at[0] == '[') host = (struct wsl_span){host.at + 1, host.len - 2};
  return host;
}

static void put_port(struct text *words, const char *name, const struct address *address) {
  if (address->storage.ss_family == AF_UNIX) return;
  text_format(words, "%s=%u", name, (unsigned)address_port(address));
  end_word(words);
}

static void put_addresses(struct text *words, const struct program_client *client) {
  char formatted[ADDRESS_TEXT_MAX];
  struct wsl_span host = host_of(address_format(client->client, formatted));
  put(words, "REMOTE_ADDR", host);
  put(words, "REMOTE_HOST", host);
  put_port(words, "REMOTE_PORT", client->client);
  if (client->local->storage.ss_family == AF_UNSPEC) return;
  put(words, "SERVER_ADDR", host_of(address_format(client->local, formatted)));
  put_port(words, "SERVER_PORT", client->local);
}

/* ---- the request ---- */

/* The name that the client used, without its port. */
static struct wsl_span server_name(struct wsl_span authority) {
  if (!span_starts_with(authority, "[")) return span_upto(authority, span_find(authority, ':'));
  size_t end = span_find(authority, ']');
  return end == authority.len ? authority : span_from(span_upto(authority, end), 1);
}

static bool holds_control(const char *at, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if ((unsigned char)at[i] < ' ' || at[i] == 0x7f) return true;
  }
  return false;
}

/* Decoded, but where that would bring control characters or a NUL: then it stays as it was sent. */
static void put_path(struct text *words, struct wsl_span path) {
  char *decoded = malloc(path.len);
  size_t len = decoded == NULL ? 0 : percent_decode(path, decoded);
  bool usable = decoded != NULL && !holds_control(decoded, len);
  put(words, "PATH_INFO", usable ? (struct wsl_span){decoded, len} : path);
  free(decoded);
}

static void put_uri(struct text *words, const struct wsl_request *request) {
  text_string(words, "REQUEST_URI=");
  text_span(words, request->path);
  if (request->query.len > 0) text_string(words, "?");
  text_span(words, request->query);
  end_word(words);
}

static void put_request(struct text *words, const struct wsl_request *request) {
  put_string(words, "GATEWAY_INTERFACE", "CGI/1.1");
  put_string(words, "SERVER_SOFTWARE", "wsluice");
  put_string(words, "SERVER_PROTOCOL", "HTTP/1.1");
  put_string(words, "REQUEST_METHOD", "GET"); /* no upgrade has another */
  put_string(words, "SCRIPT_NAME", "");
  put(words, "SERVER_NAME", server_name(request->authority));
  put_uri(words, request);
  put_path(words, request->path);
  put(words, "QUERY_STRING", request->query);
  if (request->subprotocol.len > 0) put(words, "SUBPROTOCOL", request->subprotocol);
}

/* ---- its headers ---- */

static bool is_secret_or_trap(struct wsl_span name) {
  static const char *const names[] = {"Proxy", "Authorization", "Proxy-Authorization"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    if (wsl_span_equal_nocase(name, wsl_span_of(names[i]))) return true;
  }
  return false;
}

static char to_variable(char byte) {
  if (byte >= 'a' && byte <= 'z') return (char)(byte - 'a' + 'A');
  return byte == '-' ? '_' : byte;
}

static bool may_be_variable(struct wsl_span name) {
  for (size_t i = 0; i < name.len; i++) {
    char variable = to_variable(name.at[i]);
    bool fits =
        (variable >= 'A' && variable <= 'Z') || (variable >= '0' && variable <= '9') || name.at[i] == '-';
    if (!fits) return false;
  }
  return true;
}

static bool was_there(const struct wsl_head *head, struct wsl_span name, uint32_t field) {
  uint32_t first = 0;
  struct wsl_span value;
  return wsl_head_next(head, name, &first, &value) && first <= field;
}

static void put_header(struct text *words, struct wsl_span name, struct wsl_span value) {
  text_string(words, "HTTP_");
  for (size_t i = 0; i < name.len; i++) {
    char variable = to_variable(name.at[i]);
    text_span(words, (struct wsl_span){&variable, 1});
  }
  text_string(words, "=");
  text_span(words, value);
  end_word(words);
}

/* ---- cookies ---- */

/* A login (route/auth/cookie.h), of ours or of a neighbour on another port: as good as the password, which
 * programs don't get either. */
static bool is_login(struct wsl_span piece) {
  piece = trim_blanks(piece);
  return span_starts_with(piece, AUTH_COOKIE_NAME) ||
         span_starts_with(piece, AUTH_COOKIE_HOST_PREFIX AUTH_COOKIE_NAME);
}

/* All pieces but those; semicolons stay, and do no harm. */
static void put_cookies(struct text *words, struct wsl_span value) {
  text_string(words, "HTTP_COOKIE=");
  while (value.len > 0) {
    size_t semicolon = span_find(value, ';');
    struct wsl_span piece = span_take(&value, semicolon < value.len ? semicolon + 1 : semicolon);
    if (!is_login(piece)) text_span(words, piece);
  }
  end_word(words);
}

static void put_headers(struct text *words, const struct wsl_head *head) {
  for (uint32_t i = 0; i < head->fields_count; i++) {
    struct wsl_span name = wsl_head_name(head, i);
    if (is_secret_or_trap(name) || !may_be_variable(name) || was_there(head, name, i)) continue;
    if (wsl_span_equal_nocase(name, wsl_span_of("Cookie")))
      put_cookies(words, wsl_head_value(head, i));
    else
      put_header(words, name, wsl_head_value(head, i));
  }
}

/* ---- all of it ---- */

size_t program_words_room(const struct program_client *client) {
  const struct wsl_request *request = client->request;
  size_t room = FIXED_ROOM + 2 * (request->path.len + request->query.len) + request->authority.len +
                request->subprotocol.len + strlen(client->user);
  for (uint32_t i = 0; i < client->head->fields_count; i++)
    room += HEADER_ROOM + client->head->fields[i].name_len + client->head->fields[i].value_len;
  return room;
}

void program_words_write(struct text *words, const struct program_client *client) {
  put_request(words, client->request);
  put_addresses(words, client);
  text_format(words, "UNIQUE_ID=%llu", (unsigned long long)client->id);
  end_word(words);
  if (client->user[0] != '\0' && !holds_control(client->user, strlen(client->user)))
    put_string(words, "REMOTE_USER", client->user);
  if (client->security == PROGRAM_CLIENT_OVER_TLS) put_string(words, "HTTPS", "on");
  put_headers(words, client->head);
}

uint16_t program_words_size(struct wsl_span query, const char *name) {
  char digits[8];
  const char *why;
  size_t len;
  uint64_t size;
  if (query_parameter(query, name, digits, sizeof(digits) - 1, &len) != QUERY_FOUND) return 0;
  digits[len] = '\0';
  if (strlen(digits) != len) return 0; /* an encoded NUL */
  return parse_unsigned(digits, TERMINAL_SIZE_MAX, &size, &why) == WSL_OK ? (uint16_t)size : 0;
}
