/* See route/token/place.h. */
#include "route/token/place.h"

#include <wsluice/request.h>

#include "codec/http/cookie.h"
#include "codec/http/percent.h"
#include "codec/http/query.h"
#include "core/cut.h"
#include "core/error.h"
#include "core/parse.h"

/* More segments than a path has that anybody writes. */
#define SEGMENT_MAX 1000u

const struct token_place token_place_default = {.kind = TOKEN_IN_QUERY, .name = "token"};

/* ---- the option ---- */

struct place_word {
  const char *word;
  enum token_place_kind kind;
  const char *wants; /* why it can't be without what stands behind its colon; NULL: it can */
};

static const struct place_word words[] = {
    {"query", TOKEN_IN_QUERY, "query needs a parameter name, such as query:token"},
    {"path", TOKEN_IN_PATH, NULL},
    {"host", TOKEN_IN_HOST, NULL},
    {"header", TOKEN_IN_HEADER, "header needs a name, such as header:X-Token"},
    {"cookie", TOKEN_IN_COOKIE, "cookie needs a name, such as cookie:token"},
};

static const struct place_word *find_word(const char *text, size_t len) {
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
    if (strlen(words[i].word) == len && memcmp(words[i].word, text, len) == 0) return &words[i];
  }
  return NULL;
}

/* What stands behind the colon. NULL, or what is wrong with it. */
static const char *read_rest(const char *rest, const struct place_word *word, struct token_place *place) {
  const char *why = NULL;
  uint64_t segment = 0;
  switch (word->kind) {
    case TOKEN_IN_HOST:
      return "host has nothing behind it";
    case TOKEN_IN_PATH:
      if (parse_unsigned(rest, SEGMENT_MAX, &segment, &why) != 0 || segment == 0)
        return "path needs the number of a segment, from 1";
      place->segment = (unsigned)segment;
      return NULL;
    case TOKEN_IN_HEADER:
    case TOKEN_IN_COOKIE:
      if (!wsl_token_valid(wsl_span_of(rest))) return word->wants;
      place->name = rest;
      return NULL;
    case TOKEN_IN_QUERY:
      if (*rest == '\0') return word->wants;
      place->name = rest;
      return NULL;
  }
  return NULL;
}

int token_place_parse(const char *text, struct token_place *place, const char **why) {
  size_t len = strcspn(text, ":");
  const struct place_word *word = find_word(text, len);
  struct token_place read = {.name = NULL};
  const char *fault = NULL;
  if (word == NULL) {
    fault = "must be query:NAME, path[:N], host, header:NAME or cookie:NAME";
  } else {
    read.kind = word->kind;
    fault = text[len] == ':' ? read_rest(text + len + 1, word, &read) : word->wants;
  }
  if (fault != NULL) {
    *why = fault;
    return WSL_INVALID;
  }
  *place = read;
  return 0;
}

/* ---- the request ---- */

/* A Host without its port; an IPv6 address keeps its brackets. */
static struct wsl_span host_name(struct wsl_span authority) {
  if (!span_starts_with(authority, "[")) return span_upto(authority, span_find(authority, ':'));
  size_t end = span_find(authority, ']');
  return end == authority.len ? authority : span_upto(authority, end + 1);
}

/* The N-th segment, or the last one for 0; empty where there is none. */
static struct wsl_span path_segment(struct wsl_span path, unsigned wanted) {
  struct wsl_span segment = {path.at, 0};
  unsigned number = 0;
  while (span_starts_with(path, "/")) {
    path = span_from(path, 1);
    segment = span_take(&path, span_find(path, '/'));
    if (++number == wanted) return segment;
  }
  return wanted == 0 ? segment : (struct wsl_span){path.at, 0};
}

/* Two of one name would be two tokens: who has put the second one there is not known. */
static struct wsl_span header_value(const struct route_request *request, const char *name) {
  struct wsl_span value = {NULL, 0}, second;
  uint32_t field = 0;
  if (!wsl_head_next(request->head, wsl_span_of(name), &field, &value)) return value;
  return wsl_head_next(request->head, wsl_span_of(name), &field, &second) ? (struct wsl_span){NULL, 0}
                                                                          : value;
}

/* HTTP/2's gateways leave several Cookie lines (RFC 9113 8.2.3). */
static struct wsl_span find_cookie(const struct route_request *request, const char *name) {
  struct wsl_span line, value = {NULL, 0};
  uint32_t field = 0;
  while (wsl_head_next(request->head, wsl_span_of("Cookie"), &field, &line)) {
    if (cookie_value(line, wsl_span_of(name), &value)) break;
  }
  return value;
}

/* Where it stands, as it was sent; the query's is found as it is decoded. */
static struct wsl_span raw_token(const struct token_place *place, const struct route_request *request) {
  switch (place->kind) {
    case TOKEN_IN_QUERY:
      return request->query;
    case TOKEN_IN_PATH:
      return path_segment(request->path, place->segment);
    case TOKEN_IN_HOST:
      return host_name(request->authority);
    case TOKEN_IN_HEADER:
      return header_value(request, place->name);
    case TOKEN_IN_COOKIE:
      return find_cookie(request, place->name);
  }
  return (struct wsl_span){NULL, 0};
}

size_t token_place_room(const struct token_place *place, const struct route_request *request) {
  return raw_token(place, request).len;
}

/* websockify drops line feeds at a token's end: files that people paste from have them. */
static size_t without_line_feeds(const char *token, size_t len) {
  while (len > 0 && token[len - 1] == '\n')
    len--;
  return len;
}

size_t token_place_take(const struct token_place *place, const struct route_request *request, char *out) {
  struct wsl_span raw = raw_token(place, request);
  size_t len = 0;
  switch (place->kind) {
    case TOKEN_IN_QUERY:
      if (query_parameter(raw, place->name, out, raw.len, &len) != QUERY_FOUND) return 0;
      return without_line_feeds(out, len);
    case TOKEN_IN_PATH:
      return without_line_feeds(out, percent_decode(raw, out));
    case TOKEN_IN_HOST:
    case TOKEN_IN_HEADER:
    case TOKEN_IN_COOKIE:
      break;
  }
  if (raw.len > 0) memcpy(out, raw.at, raw.len);
  return raw.len;
}

struct wsl_span token_place_in_path(const struct token_place *place, struct wsl_span path) {
  if (place->kind != TOKEN_IN_PATH) return (struct wsl_span){path.at, 0};
  struct wsl_span token = path_segment(path, place->segment);
  bool has_others = token.len == 0 && path.len > 1 && path.at[0] == '/';
  return has_others ? (struct wsl_span){path.at + 1, path.len - 1} : token;
}
