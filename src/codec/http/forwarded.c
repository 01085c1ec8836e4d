/* See codec/http/forwarded.h. */
#include "codec/http/forwarded.h"

#include "codec/chars.h"
#include "core/cut.h"
#include "core/parse.h"

/* ---- a node: an address, with a port perhaps ---- */

/* Ports may be obfuscated ("_x"): those say nothing, and the address still counts. */
static uint16_t read_port(struct wsl_span text) {
  uint64_t port;
  return parse_digits(text, UINT16_MAX, &port) ? (uint16_t)port : 0;
}

/* "1.2.3.4", "1.2.3.4:80", "[2001:db8::1]", "[2001:db8::1]:80" */
static void read_node(struct wsl_span node, struct forwarded_element *element) {
  element->host = span_upto(node, 0);
  element->port = 0;
  if (node.len == 0 || node.at[0] == '_' || wsl_span_equal_nocase(node, wsl_span_of("unknown"))) return;
  bool bracketed = node.at[0] == '[';
  size_t end = span_find(node, bracketed ? ']' : ':');
  struct wsl_span behind = span_from(node, end + (bracketed && end < node.len ? 1 : 0));
  if ((bracketed && end == node.len) || (behind.len > 0 && behind.at[0] != ':')) return;
  if (behind.len > 0) element->port = read_port(span_from(behind, 1));
  element->host = bracketed ? span_from(span_upto(node, end), 1) : span_upto(node, end);
}

static enum forwarded_scheme read_scheme(struct wsl_span text) {
  if (wsl_span_equal_nocase(text, wsl_span_of("https"))) return FORWARDED_HTTPS;
  if (wsl_span_equal_nocase(text, wsl_span_of("wss"))) return FORWARDED_HTTPS;
  return wsl_span_equal_nocase(text, wsl_span_of("http")) ? FORWARDED_HTTP : FORWARDED_SCHEME_UNSAID;
}

/* ---- Forwarded ---- */

/* Length of the value at the start of `text`; 0: none. Not quoted it is more than RFC 7239 allows: colons and
 * brackets are often left without quotes. With quotes it has no escapes, which no address needs. */
static size_t value_len(struct wsl_span text, struct wsl_span *value) {
  if (text.len > 0 && text.at[0] == '"') {
    size_t len = span_find(span_from(text, 1), '"');
    *value = span_upto(span_from(text, 1), len);
    bool closed = len + 1 < text.len && span_find(*value, '\\') == len;
    return closed ? len + 2 : 0;
  }
  size_t len = 0;
  while (len < text.len && memchr(",;\" \t", text.at[len], 5) == NULL)
    len++;
  *value = span_upto(text, len);
  return len;
}

struct pairs {
  bool has_for;
  struct forwarded_element element;
};

/* Takes one "name=value" off; false: this is none. */
static bool take_pair(struct wsl_span *rest, struct pairs *pairs) {
  struct wsl_span text = trim_blanks(*rest), value = {NULL, 0};
  size_t name_len = 0;
  while (name_len < text.len && char_is(text.at[name_len], CHAR_TOKEN))
    name_len++;
  if (name_len == 0 || name_len == text.len || text.at[name_len] != '=') return false;
  struct wsl_span name = span_upto(text, name_len);
  size_t len = value_len(span_from(text, name_len + 1), &value);
  if (len == 0) return false;
  if (wsl_span_equal_nocase(name, wsl_span_of("for"))) {
    if (pairs->has_for) return false; /* twice: whoever appended it was led astray */
    pairs->has_for = true;
    read_node(value, &pairs->element);
  }
  if (wsl_span_equal_nocase(name, wsl_span_of("proto"))) pairs->element.scheme = read_scheme(value);
  *rest = trim_blanks(span_from(text, name_len + 1 + len));
  return true;
}

/* All pairs up to the element's end: *rest is behind its comma. False: it can't be read. */
static bool take_element(struct wsl_span *rest, struct pairs *pairs) {
  for (;;) {
    if (!take_pair(rest, pairs)) return false;
    if (rest->len == 0) return true;
    char separator = rest->at[0];
    if (separator != ';' && separator != ',') return false;
    *rest = span_from(*rest, 1);
    if (separator == ',') return true;
  }
}

bool forwarded_next(struct wsl_span *rest, struct forwarded_element *element) {
  struct wsl_span text = trim_blanks(*rest);
  while (text.len > 0 && text.at[0] == ',')
    text = trim_blanks(span_from(text, 1));
  if (text.len == 0) return false;
  struct wsl_span start = text;
  struct pairs pairs = {.has_for = false};
  if (take_element(&text, &pairs)) {
    *rest = text;
    *element = pairs.element;
    return true;
  }
  /* The next comma, quotes or not: an invented quote must not swallow what proxies have appended. */
  size_t comma = span_find(start, ',');
  *rest = span_from(start, comma < start.len ? comma + 1 : comma);
  *element = (struct forwarded_element){.host = span_upto(start, 0)};
  return true;
}

/* ---- X-Forwarded-... ---- */

/* An IPv6 address stands there without brackets mostly: more than one colon. */
static bool is_bare_v6(struct wsl_span node) {
  size_t first = span_find(node, ':');
  return node.len > 0 && node.at[0] != '[' && first < node.len &&
         span_find(span_from(node, first + 1), ':') < node.len - first - 1;
}

bool x_forwarded_for_next(struct wsl_span *rest, struct forwarded_element *element) {
  if (rest->len == 0) return false;
  size_t comma = span_find(*rest, ',');
  struct wsl_span node = trim_blanks(span_upto(*rest, comma));
  *rest = span_from(*rest, comma < rest->len ? comma + 1 : comma);
  *element = (struct forwarded_element){.host = node};
  if (!is_bare_v6(node)) read_node(node, element);
  return true;
}

enum forwarded_scheme x_forwarded_proto(struct wsl_span value) {
  for (size_t comma; (comma = span_find(value, ',')) < value.len;)
    value = span_from(value, comma + 1);
  return read_scheme(trim_blanks(value));
}
