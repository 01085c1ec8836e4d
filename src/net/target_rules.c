/* Judging targets (net/target_rules.h; target_pattern.c reads the patterns). */
#include "net/target_rules.h"

#include <stdio.h>
#include <string.h>

#include "core/log.h"

/* Longest pattern that a reason shows. */
#define PATTERN_SHOWN_MAX 96u

/* What is refused unless a pattern means it. A list of patterns bounds files of the operator's as anything
 * else; without one they have named services of this machine for years. */
static unsigned kinds_refused(const struct target_rules *rules, enum target_origin origin) {
  switch (origin) {
    case TARGET_FIXED:
      return 0;
    case TARGET_FROM_FILE:
      return rules->count > 0 ? ADDRESS_KINDS_ALL : ADDRESS_METADATA | ADDRESS_LINK_LOCAL;
    case TARGET_LOOKED_UP:
      break;
  }
  return ADDRESS_KINDS_ALL | ADDRESS_OWN;
}

/* ---- matching ---- */

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Wildcards go back only to the last "*", so the time is at most the product of both lengths. `never`: a
 * character that no wildcard stands for. */
static bool glob_matches(struct wsl_span pattern, struct wsl_span text, char never) {
  size_t p = 0, t = 0, star = SIZE_MAX, star_text = 0;
  while (t < text.len) {
    bool wild_ok = text.at[t] != never;
    if (p < pattern.len && pattern.at[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.len && ((pattern.at[p] == '?' && wild_ok) || pattern.at[p] == text.at[t])) {
      p++;
      t++;
    } else if (star != SIZE_MAX && text.at[star_text] != never) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.len && pattern.at[p] == '*')
    p++;
  return p == pattern.len;
}

/* Names are short (253 bytes): a copy in lower case is simpler than two ways to compare. */
static bool name_matches(struct wsl_span pattern, const char *name) {
  char a[256], b[256];
  size_t len = strlen(name);
  if (len > 0 && name[len - 1] == '.') len--;
  if (len >= sizeof b || pattern.len >= sizeof a) return false;
  for (size_t i = 0; i < pattern.len; i++)
    a[i] = lower(pattern.at[i]);
  for (size_t i = 0; i < len; i++)
    b[i] = lower(name[i]);
  return glob_matches((struct wsl_span){a, pattern.len}, (struct wsl_span){b, len}, '\0');
}

static bool has_wildcard(struct wsl_span text) {
  return text.len > 0 && (memchr(text.at, '*', text.len) != NULL || memchr(text.at, '?', text.len) != NULL);
}

/* ".." would lead a wildcard's match elsewhere. */
static bool climbs(struct wsl_span path) {
  for (size_t i = 0; i + 1 < path.len; i++) {
    bool starts = i == 0 || path.at[i - 1] == '/';
    bool ends = i + 2 == path.len || path.at[i + 2] == '/';
    if (starts && ends && path.at[i] == '.' && path.at[i + 1] == '.') return true;
  }
  return false;
}

static bool path_matches(struct wsl_span pattern, const char *path) {
  struct wsl_span text = wsl_span_of(path);
  if (has_wildcard(pattern) && climbs(text)) return false;
  return glob_matches(pattern, text, '/');
}

static bool port_matches(const struct target_pattern *pattern, uint16_t port) {
  for (size_t i = 0; i < pattern->ports_count; i++) {
    if (port >= pattern->ports[i].first && port <= pattern->ports[i].last) return true;
  }
  return pattern->ports_count == 0;
}

/* ---- reasons ---- */

/* `pattern`: one that would allow it; a client may have chosen its characters. */
static enum target_verdict refuse(unsigned kinds, const char *pattern, char why[TARGET_REASON_MAX]) {
  char shown[PATTERN_SHOWN_MAX];
  log_escape(wsl_span_of(pattern), shown, sizeof shown);
  if (kinds == 0)
    snprintf(why, TARGET_REASON_MAX, "no --allow-target matches it (%s would)", shown);
  else
    snprintf(why, TARGET_REASON_MAX, "it is %s, which --allow-target must name explicitly (as %s)",
             address_kind_text(kinds), shown);
  return TARGET_REFUSED;
}

static enum target_verdict refuse_address(const struct address *address, unsigned kinds,
                                          char why[TARGET_REASON_MAX]) {
  char pattern[ADDRESS_TEXT_MAX];
  return refuse(kinds, address_format(address, pattern), why);
}

static enum target_verdict refuse_name(const struct target *target, unsigned kinds,
                                       char why[TARGET_REASON_MAX]) {
  char pattern[PATTERN_SHOWN_MAX];
  snprintf(pattern, sizeof pattern, "%s:%u", target->host, (unsigned)target->port);
  return refuse(kinds, pattern, why);
}

static enum target_verdict refuse_path(const struct target *target, char why[TARGET_REASON_MAX]) {
  char pattern[PATTERN_SHOWN_MAX];
  snprintf(pattern, sizeof pattern, "unix:%s", target->unix_path);
  return refuse(0, pattern, why);
}

/* ---- verdicts ---- */

/* What is known of a target while its address is looked at. */
struct question {
  const struct target *target;
  struct bare_address address;
  struct address_kinds refused; /* what it is that needs a pattern of its own */
};

static bool network_allows(const struct target_pattern *pattern, const struct question *question) {
  if (!network_holds(&pattern->network, &question->address)) return false;
  return question->refused.kinds == 0 || pattern->network.bits >= question->refused.bits;
}

/* A name that means what it leads to may lead there. Metadata services stand on link-local addresses. */
static bool name_means(struct wsl_span name, unsigned kinds) {
  unsigned meant = has_wildcard(name) ? 0 : address_kinds_of_name(name) | ADDRESS_OWN;
  if ((meant & ADDRESS_METADATA) != 0) meant |= ADDRESS_LINK_LOCAL;
  return (kinds & ~meant) == 0;
}

static bool pattern_allows(const struct target_pattern *pattern, const struct question *question) {
  const struct target *target = question->target;
  if (!port_matches(pattern, target->port)) return false;
  switch (pattern->kind) {
    case PATTERN_NETWORK:
      return network_allows(pattern, question);
    case PATTERN_NAME:
      return name_matches(pattern->text, target->host) && name_means(pattern->text, question->refused.kinds);
    case PATTERN_UNIX:
      break;
  }
  return false;
}

/* Its own addresses are of every network, so any that is one at all means them. */
static struct address_kinds kinds_of(const struct target_rules *rules, const struct bare_address *address,
                                     unsigned wanted) {
  struct address_kinds kinds = address_kinds_of(address, wanted);
  if (kinds.kinds == 0 && (wanted & ADDRESS_OWN) != 0 && rules->is_own(address))
    kinds = (struct address_kinds){ADDRESS_OWN, 1};
  return kinds;
}

enum target_verdict target_judge_address(const struct target_rules *rules, const struct target *target,
                                         const struct address *address, char why[TARGET_REASON_MAX]) {
  unsigned wanted = kinds_refused(rules, target->origin);
  if (target->origin == TARGET_FIXED) return TARGET_ALLOWED;
  struct question question = {.target = target, .address = address_bare(address)};
  question.refused = kinds_of(rules, &question.address, wanted);
  for (size_t i = 0; i < rules->count; i++) {
    if (pattern_allows(&rules->patterns[i], &question)) return TARGET_ALLOWED;
  }
  if (question.refused.kinds == 0 && rules->count == 0) return TARGET_ALLOWED;
  return refuse_address(address, question.refused.kinds, why);
}

static enum target_verdict judge_path(const struct target_rules *rules, const struct target *target,
                                      char why[TARGET_REASON_MAX]) {
  if (rules->count == 0 && target->origin == TARGET_FROM_FILE) return TARGET_ALLOWED;
  for (size_t i = 0; i < rules->count; i++) {
    const struct target_pattern *pattern = &rules->patterns[i];
    if (pattern->kind == PATTERN_UNIX && path_matches(pattern->text, target->unix_path))
      return TARGET_ALLOWED;
  }
  return refuse_path(target, why);
}

/* Whether what the name resolves to could be allowed. */
static enum target_verdict judge_name(const struct target_rules *rules, const struct target *target,
                                      char why[TARGET_REASON_MAX]) {
  unsigned kinds = address_kinds_of_name(wsl_span_of(target->host)) & kinds_refused(rules, target->origin);
  for (size_t i = 0; i < rules->count; i++) {
    const struct target_pattern *pattern = &rules->patterns[i];
    if (!port_matches(pattern, target->port) || pattern->kind == PATTERN_UNIX) continue;
    if (pattern->kind == PATTERN_NETWORK) return TARGET_UNDECIDED;
    if (name_matches(pattern->text, target->host) && name_means(pattern->text, kinds))
      return TARGET_UNDECIDED;
  }
  return rules->count == 0 && kinds == 0 ? TARGET_UNDECIDED : refuse_name(target, kinds, why);
}

enum target_verdict target_judge(const struct target_rules *rules, const struct target *target,
                                 char why[TARGET_REASON_MAX]) {
  struct address address;
  if (target->origin == TARGET_FIXED) return TARGET_ALLOWED;
  if (target->unix_path != NULL) return judge_path(rules, target, why);
  if (address_parse_literal(target->host, target->port, &address))
    return target_judge_address(rules, target, &address, why);
  return judge_name(rules, target, why);
}
