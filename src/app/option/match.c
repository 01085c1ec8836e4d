/* See app/option/match.h. */
#include "app/option/match.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "app/option/value.h"

const char *const option_names_of_websockify[] = {"auth-plugin",
                                                  "auth-source",
                                                  "cafile",
                                                  "cert",
                                                  "daemon",
                                                  "file-only",
                                                  "heartbeat",
                                                  "help",
                                                  "host-token",
                                                  "idle-timeout",
                                                  "inetd",
                                                  "key",
                                                  "key-password",
                                                  "legacy-syslog",
                                                  "libserver",
                                                  "log-file",
                                                  "prefer-ipv6",
                                                  "record",
                                                  "run-once",
                                                  "ssl-ciphers",
                                                  "ssl-only",
                                                  "ssl-target",
                                                  "ssl-version",
                                                  "syslog",
                                                  "target-config",
                                                  "timeout",
                                                  "token-plugin",
                                                  "token-source",
                                                  "traffic",
                                                  "unix-listen",
                                                  "unix-listen-mode",
                                                  "unix-target",
                                                  "verbose",
                                                  "verify-client",
                                                  "web",
                                                  "web-auth",
                                                  "wrap-mode",
                                                  NULL};

/* What begins so: how many, the first, and their names for a person. */
struct matches {
  const char *name;
  size_t len;
  size_t count;
  const char *first;
  char *text;
  size_t text_len;
};

static void note(struct matches *m, const char *name) {
  if (strncmp(name, m->name, m->len) != 0) return;
  if (m->count++ == 0) m->first = name;
  int len = snprintf(m->text + m->text_len, OPTION_CANDIDATES_MAX - m->text_len, "%s--%s",
                     m->count > 1 ? ", " : "", name);
  if ((size_t)len < OPTION_CANDIDATES_MAX - m->text_len) {
    m->text_len += (size_t)len;
  } else {
    m->text[m->text_len] = '\0'; /* no half names */
  }
}

static void note_all_of_websockify(struct matches *m) {
  for (const char *const *name = option_names_of_websockify; *name != NULL; name++)
    note(m, *name);
}

static void note_all(struct matches *m) {
  for (size_t i = 0; i < option_count(); i++) {
    if (option_at(i)->kind != OPTION_SECTION) note(m, option_at(i)->name);
  }
}

const struct option_spec *option_match(const char *name, size_t len, char candidates[OPTION_CANDIDATES_MAX]) {
  struct matches matches = {.name = name, .len = len, .text = candidates};
  candidates[0] = '\0';
  const struct option_spec *exact = option_find(name, len);
  if (exact != NULL || len == 0) return exact; /* "--=x" begins nothing */
  note_all_of_websockify(&matches);
  if (matches.count == 0) note_all(&matches);
  return matches.count == 1 ? option_find(matches.first, strlen(matches.first)) : NULL;
}
