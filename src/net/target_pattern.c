/* Reading the patterns of --allow-target (net/target_rules.h).
 */
#include <string.h>

#include "core/cut.h"
#include "core/parse.h"
#include "net/target_rules.h"

static const char unix_prefix[] = "unix:";
static const char bad_ports[] =
    "ports are numbers from 1 to 65535, ranges (5900-5999) and lists (22,5900-5999)";
static const char bad_name[] = "the host has a character that is not allowed in a name";
static const char numeric_name[] =
    "neither a name nor an address: write networks as 10.0.0.0/8 or [2001:db8::]/32";

static struct wsl_span part(struct wsl_span text, size_t from, size_t to) {
  return span_from(span_upto(text, to), from);
}

/* ---- ports ---- */

static bool parse_port(struct wsl_span text, uint16_t *port) {
  uint64_t number;
  if (!parse_digits(text, UINT16_MAX, &number)) return false;
  *port = (uint16_t)number;
  return number >= 1;
}

static bool parse_range(struct wsl_span text, struct target_ports *range) {
  size_t dash = span_find(text, '-');
  if (!parse_port(part(text, 0, dash), &range->first)) return false;
  range->last = range->first;
  if (dash == text.len) return true;
  return parse_port(part(text, dash + 1, text.len), &range->last) && range->last >= range->first;
}

/* "*", or a list of ranges. */
static bool parse_ports(struct wsl_span text, struct target_pattern *pattern, const char **why) {
  *why = bad_ports;
  if (wsl_span_equal(text, wsl_span_of("*"))) return true;
  for (;;) {
    size_t comma = span_find(text, ',');
    if (pattern->ports_count == TARGET_PATTERN_PORTS_MAX) {
      *why = "at most 16 ports and ranges in one pattern: use the option several times";
      return false;
    }
    if (!parse_range(part(text, 0, comma), &pattern->ports[pattern->ports_count++])) return false;
    if (comma == text.len) return true;
    text = part(text, comma + 1, text.len);
  }
}

/* ---- hosts ---- */

static bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.' || c == '*' || c == '?' || (unsigned char)c >= 0x80;
}

/* Digits, dots and wildcards alone would look like a network and match names ("10.0.0.*" those of
 * 10.0.0.evil.example). "*" alone is everything. */
static bool looks_numeric(struct wsl_span text) {
  bool digits = false;
  for (size_t i = 0; i < text.len; i++) {
    if (strchr("0123456789.*?", text.at[i]) == NULL) return false;
    digits = digits || (text.at[i] >= '0' && text.at[i] <= '9');
  }
  return digits;
}

static bool parse_name(struct wsl_span text, struct target_pattern *pattern, const char **why) {
  *why = "the host is missing";
  if (text.len > 0 && text.at[text.len - 1] == '.') text.len--;
  if (text.len == 0) return false;
  *why = bad_name;
  for (size_t i = 0; i < text.len; i++) {
    if (!is_name_char(text.at[i])) return false;
  }
  *why = numeric_name;
  if (looks_numeric(text)) return false;
  pattern->kind = PATTERN_NAME;
  pattern->text = text;
  return true;
}

static bool parse_network(struct wsl_span text, struct target_pattern *pattern, const char **why) {
  pattern->kind = PATTERN_NETWORK;
  return network_parse(text, &pattern->network, why);
}

/* "[ADDRESS]", "[ADDRESS/BITS]" or "[ADDRESS]/BITS", and ports behind. */
static bool parse_bracketed(struct wsl_span text, struct target_pattern *pattern, const char **why) {
  char joined[NETWORK_TEXT_MAX];
  size_t closing = span_find(text, ']');
  *why = "a bracket around the IPv6 address is missing";
  if (closing == text.len) return false;
  struct wsl_span address = part(text, 1, closing), rest = part(text, closing + 1, text.len);
  size_t colon = span_find(rest, ':');
  *why = "not of the form [ADDRESS]/BITS:PORTS";
  if (colon > 0 && rest.at[0] != '/') return false;
  if (address.len + colon >= sizeof joined || !span_has(address, ':')) return false;
  memcpy(joined, address.at, address.len);
  memcpy(joined + address.len, rest.at, colon);
  if (!parse_network((struct wsl_span){joined, address.len + colon}, pattern, why)) return false;
  return colon == rest.len || parse_ports(part(rest, colon + 1, rest.len), pattern, why);
}

static bool parse_host(struct wsl_span text, struct target_pattern *pattern, const char **why) {
  const char *ignored;
  if (span_has(text, '/')) return parse_network(text, pattern, why);
  return parse_network(text, pattern, &ignored) || parse_name(text, pattern, why);
}

static bool parse_unix(struct wsl_span path, struct target_pattern *pattern, const char **why) {
  *why = "the path of the Unix sockets must begin with a slash";
  if (path.len == 0 || path.at[0] != '/') return false;
  pattern->kind = PATTERN_UNIX;
  pattern->text = path;
  return true;
}

bool target_pattern_parse(const char *given, struct target_pattern *pattern, const char **why) {
  struct wsl_span text = wsl_span_of(given);
  memset(pattern, 0, sizeof *pattern);
  size_t prefix = sizeof unix_prefix - 1;
  if (text.len >= prefix && memcmp(given, unix_prefix, prefix) == 0)
    return parse_unix(part(text, prefix, text.len), pattern, why);
  if (text.len > 0 && given[0] == '[') return parse_bracketed(text, pattern, why);
  size_t colon = span_find(text, ':');
  bool many = colon < text.len && span_has(part(text, colon + 1, text.len), ':');
  if (many) return parse_network(text, pattern, why); /* IPv6 without brackets has no ports */
  if (!parse_host(part(text, 0, colon), pattern, why)) return false;
  return colon == text.len || parse_ports(part(text, colon + 1, text.len), pattern, why);
}
