/* Origin rules (route/origin.h): each rule is compared as text against the parsed origin; nothing is
 * allocated and no rule is compiled, since there are few and they are looked at once an upgrade.
 */
#include "route/origin.h"

#include <stdint.h>

#define HTTP_PORT  80
#define HTTPS_PORT 443
#define PORT_NONE  (-1)

/* scheme "://" host [":" port], as RFC 6454 6.2 serializes it. */
struct origin_parts {
  struct wsl_span scheme;
  struct wsl_span host; /* IPv6 with its brackets */
  int32_t port;         /* the scheme's own when none is written; PORT_NONE for a foreign scheme */
};

static bool is_scheme_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' ||
         c == '.';
}

/* Host names as browsers write them, with "_" that some intranets have; "*" is the rules' own. */
static bool is_host_char(char c) {
  return is_scheme_char(c) ? c != '+' : c == '_';
}

static int32_t default_port(struct wsl_span scheme) {
  if (wsl_span_equal_nocase(scheme, wsl_span_of("http"))) return HTTP_PORT;
  if (wsl_span_equal_nocase(scheme, wsl_span_of("https"))) return HTTPS_PORT;
  return PORT_NONE;
}

static bool parse_port(struct wsl_span text, int32_t *port) {
  if (text.len == 0 || text.len > 5) return false;
  int32_t value = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.at[i] < '0' || text.at[i] > '9') return false;
    value = value * 10 + (text.at[i] - '0');
  }
  if (value < 1 || value > UINT16_MAX) return false;
  *port = value;
  return true;
}

/* Length of the host at the start of text: up to ":" or the end, brackets included; 0: malformed. */
static size_t host_length(struct wsl_span text) {
  size_t i = 0;
  if (text.len > 0 && text.at[0] == '[') {
    const char *end = memchr(text.at, ']', text.len);
    return end == NULL ? 0 : (size_t)(end - text.at) + 1;
  }
  while (i < text.len && text.at[i] != ':')
    i++;
  return i;
}

/* host [":" port]; a missing port leaves *port alone. */
static bool parse_authority(struct wsl_span text, struct wsl_span *host, int32_t *port) {
  size_t len = host_length(text);
  if (len == 0) return false;
  *host = (struct wsl_span){text.at, len};
  if (len == text.len) return true;
  if (text.at[len] != ':') return false;
  return parse_port((struct wsl_span){text.at + len + 1, text.len - len - 1}, port);
}

static bool parse_origin(struct wsl_span text, struct origin_parts *parts) {
  size_t i = 0;
  while (i < text.len && is_scheme_char(text.at[i]))
    i++;
  if (i == 0 || text.len - i < 3 || memcmp(text.at + i, "://", 3) != 0) return false;
  parts->scheme = (struct wsl_span){text.at, i};
  parts->port = default_port(parts->scheme);
  return parse_authority((struct wsl_span){text.at + i + 3, text.len - i - 3}, &parts->host, &parts->port);
}

/* "*.example.com" stands for every host below it, at any depth. */
static bool host_matches(struct wsl_span pattern, struct wsl_span host) {
  if (pattern.len < 2 || memcmp(pattern.at, "*.", 2) != 0) return wsl_span_equal_nocase(pattern, host);
  struct wsl_span suffix = {pattern.at + 1, pattern.len - 1};
  if (host.len <= suffix.len) return false;
  return wsl_span_equal_nocase(suffix, (struct wsl_span){host.at + host.len - suffix.len, suffix.len});
}

/* The Host header leaves the port out when it is the scheme's own; browsers do the same in Origin. */
static bool same_as_host(const struct origin_parts *origin, struct wsl_span host) {
  struct wsl_span name;
  int32_t port = default_port(origin->scheme);
  if (port == PORT_NONE || !parse_authority(host, &name, &port)) return false;
  return port == origin->port && wsl_span_equal_nocase(name, origin->host);
}

static bool rule_allows(struct wsl_span rule, const struct origin_parts *origin, struct wsl_span host) {
  if (wsl_span_equal_nocase(rule, wsl_span_of("same"))) return same_as_host(origin, host);
  struct origin_parts wanted;
  if (parse_origin(rule, &wanted)) {
    return wsl_span_equal_nocase(wanted.scheme, origin->scheme) && wanted.port == origin->port &&
           host_matches(wanted.host, origin->host);
  }
  return default_port(origin->scheme) != PORT_NONE && host_matches(rule, origin->host);
}

static bool listed(const struct origin_rules *rules, const char *word) {
  for (size_t i = 0; i < rules->count; i++) {
    if (wsl_span_equal_nocase(wsl_span_of(rules->rules[i]), wsl_span_of(word))) return true;
  }
  return false;
}

bool origin_allowed(const struct origin_rules *rules, struct wsl_span origin, struct wsl_span host) {
  if (rules->count == 0) return true;
  if (origin.at == NULL) return listed(rules, "none");
  /* A browser sends "null" in lower case; RFC 6454 7.3 knows no other. */
  if (wsl_span_equal(origin, wsl_span_of("null"))) return listed(rules, "null");
  struct origin_parts parts;
  if (!parse_origin(origin, &parts)) return false;
  for (size_t i = 0; i < rules->count; i++) {
    if (rule_allows(wsl_span_of(rules->rules[i]), &parts, host)) return true;
  }
  return false;
}

static bool host_pattern_valid(struct wsl_span host, const char **why) {
  if (host.len >= 2 && host.at[0] == '[' && host.at[host.len - 1] == ']') return true;
  if (host.len >= 2 && memcmp(host.at, "*.", 2) == 0) host = (struct wsl_span){host.at + 2, host.len - 2};
  if (host.len == 0) {
    *why = "a host is missing";
    return false;
  }
  for (size_t i = 0; i < host.len; i++) {
    if (is_host_char(host.at[i])) continue;
    *why = host.at[i] == '*' ? "\"*\" is allowed only at the start, as in *.example.com"
                             : "it has a character that is not allowed in a host name";
    return false;
  }
  return true;
}

bool origin_rule_valid(const char *rule, const char **why) {
  struct wsl_span text = wsl_span_of(rule);
  if (text.len == 0) {
    *why = "it is empty";
    return false;
  }
  if (strstr(rule, "://") == NULL) {
    if (text.at[0] != '[' && memchr(text.at, ':', text.len) != NULL) {
      *why = "a port needs its scheme, as in https://example.com:8443";
      return false;
    }
    return host_pattern_valid(text, why);
  }
  struct origin_parts parts;
  if (!parse_origin(text, &parts)) {
    *why = "an origin is scheme://host or scheme://host:port, without a path";
    return false;
  }
  return host_pattern_valid(parts.host, why);
}
