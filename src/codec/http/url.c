/* See codec/http/url.h. */
#include "codec/http/url.h"

#include "codec/chars.h"
#include "core/cut.h"
#include "core/parse.h"
#include "core/text.h"

static const char http_scheme[] = "http://", https_scheme[] = "https://";

#define HTTP_PORT  "80"
#define HTTPS_PORT "443"

/* Takes `prefix` off the front, in any case of its letters. */
static bool take_prefix(struct wsl_span *text, const char *prefix) {
  size_t len = strlen(prefix);
  if (text->len < len || !wsl_span_equal_nocase(span_upto(*text, len), wsl_span_of(prefix))) return false;
  *text = span_from(*text, len);
  return true;
}

/* Where the authority ends: at a path, a query or the end. */
static size_t authority_len(struct wsl_span text) {
  size_t slash = span_find(text, '/'), query = span_find(text, '?');
  return slash < query ? slash : query;
}

/* Whether host[:port] has a port, and only one colon outside of brackets. */
static const char *port_at(struct wsl_span authority, size_t *colon) {
  size_t from = 0;
  if (authority.len > 0 && authority.at[0] == '[') {
    from = span_find(authority, ']') + 1;
    if (from > authority.len) return "the bracket of the host is not closed";
  }
  struct wsl_span rest = {authority.at + from, authority.len - from};
  *colon = from + span_find(rest, ':');
  if (from > 0 && *colon != from) return "text after the host's bracket";
  size_t last = from + span_find_last(rest, ':');
  return *colon == last ? NULL : "an IPv6 address needs brackets in a URL";
}

static const char *read_authority(struct url *url) {
  char endpoint[TARGET_HOST_MAX + sizeof("[]:65535")];
  struct wsl_span authority = url->authority;
  size_t colon = 0;
  const char *why = port_at(authority, &colon);
  if (why != NULL) return why;
  bool has_port = colon + 1 < authority.len;
  struct text text;
  text_init(&text, endpoint, sizeof(endpoint));
  text_span(&text, (struct wsl_span){authority.at, colon});
  text_string(&text, ":");
  if (has_port)
    text_span(&text, (struct wsl_span){authority.at + colon + 1, authority.len - colon - 1});
  else
    text_string(&text, url->scheme == URL_HTTP ? HTTP_PORT : HTTPS_PORT);
  if (text.overflow) return "the host is too long";
  if (memchr(authority.at, '\0', authority.len) != NULL) return "a byte that can't stand in a host";
  int error = parse_endpoint(endpoint, PARSE_HOST_REQUIRED, url->host, sizeof(url->host), &url->port, &why);
  return error == 0 ? NULL : why;
}

static bool all_are_targets(struct wsl_span text) {
  for (size_t i = 0; i < text.len; i++) {
    if (!char_is(text.at[i], CHAR_TARGET)) return false;
  }
  return true;
}

const char *url_read(struct wsl_span text, struct url *url) {
  if (take_prefix(&text, https_scheme))
    url->scheme = URL_HTTPS;
  else if (take_prefix(&text, http_scheme))
    url->scheme = URL_HTTP;
  else
    return "not a URL with http:// or https://";
  text.len = span_find(text, '#');
  struct wsl_span authority = span_take(&text, authority_len(text));
  url->target = text;
  if (!all_are_targets(authority) || !all_are_targets(text))
    return "a blank or a byte that has to be percent-encoded in a URL";
  size_t at_sign = span_find_last(authority, '@');
  url->userinfo = (struct wsl_span){NULL, 0};
  if (at_sign < authority.len) {
    url->userinfo = span_take(&authority, at_sign);
    (void)span_take(&authority, 1);
  }
  url->authority = authority;
  return authority.len == 0 ? "the host is missing" : read_authority(url);
}

static bool has_scheme(struct wsl_span reference) {
  size_t colon = span_find(reference, ':');
  return colon < reference.len && colon < span_find(reference, '/') && colon < span_find(reference, '?');
}

/* The base's path up to its last slash, or "/". */
static struct wsl_span base_folder(const struct url *base) {
  struct wsl_span path = {base->target.at, span_find(base->target, '?')};
  size_t slash = span_find_last(path, '/');
  return slash == path.len ? wsl_span_of("/") : (struct wsl_span){path.at, slash + 1};
}

size_t url_resolve(const struct url *base, struct wsl_span reference, char *out, size_t cap) {
  struct text text;
  if (cap == 0) return 0;
  text_init(&text, out, cap);
  if (!has_scheme(reference)) {
    text_string(&text, base->scheme == URL_HTTP ? "http:" : "https:");
    bool has_authority = reference.len > 1 && reference.at[0] == '/' && reference.at[1] == '/';
    bool is_rooted = reference.len > 0 && reference.at[0] == '/';
    if (!has_authority) {
      text_string(&text, "//");
      text_span(&text, base->authority);
    }
    if (!is_rooted && reference.len > 0 && reference.at[0] == '?')
      text_span(&text, (struct wsl_span){base->target.at, span_find(base->target, '?')});
    else if (!is_rooted)
      text_span(&text, base_folder(base));
  }
  text_span(&text, reference);
  return text.overflow ? 0 : text.len;
}
