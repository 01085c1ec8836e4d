/* See route/token/target.h. */
#include "route/token/target.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/error.h"
#include "core/log.h"
#include "net/address.h"

/* Room for an escaped target: "unix:" and a socket's path of 107 bytes, or a host and a port. */
#define TARGET_TEXT_MAX 512u

static const char unix_scheme[] = "unix:";

/* Appends a string to the room behind a target; returns where it stands. */
static const char *put(char **room, struct wsl_span text) {
  char *start = *room;
  memcpy(start, text.at, text.len);
  start[text.len] = '\0';
  *room += text.len + 1;
  return start;
}

/* `address`: a path, or a host. */
static struct target *assemble(const struct target *like, struct wsl_span address, struct wsl_span text) {
  struct target *target = malloc(sizeof(*target) + address.len + 1 + text.len + 1);
  if (target == NULL) return NULL;
  char *room = (char *)(target + 1);
  *target = *like;
  const char *where = put(&room, address);
  if (like->unix_path != NULL) target->unix_path = where;
  if (like->host != NULL) target->host = where;
  target->text = put(&room, text);
  return target;
}

struct target *token_target_make(const struct target_text *where, struct wsl_span shown,
                                 enum target_origin origin) {
  bool is_unix = where->unix_path.at != NULL;
  struct wsl_span address = is_unix ? where->unix_path : wsl_span_of(where->host);
  char escaped[TARGET_TEXT_MAX], text[TARGET_TEXT_MAX + sizeof(unix_scheme)];
  log_escape(is_unix ? where->unix_path : shown, escaped, sizeof(escaped));
  snprintf(text, sizeof(text), "%s%s", is_unix ? unix_scheme : "", escaped);
  struct target like = {
      .host = is_unix ? NULL : address.at,
      .port = is_unix ? 0 : where->port,
      .unix_path = is_unix ? address.at : NULL,
      .origin = origin,
  };
  return assemble(&like, address, wsl_span_of(text));
}

struct target *token_target_copy(const struct target *target) {
  const char *address = target->unix_path != NULL ? target->unix_path : target->host;
  return assemble(target, wsl_span_of(address), wsl_span_of(target->text));
}

const char *token_target_unix_fault(struct wsl_span path) {
  struct address address;
  char text[sizeof(address.storage)];
  static const char too_long[] = "the path of the Unix socket is too long";
  if (path.len >= sizeof(text)) return too_long;
  memcpy(text, path.at, path.len);
  text[path.len] = '\0';
  return address_unix(text, &address) == 0 ? NULL : too_long;
}

int token_target_read(struct wsl_span text, enum target_origin origin, struct target **target,
                      const char **why) {
  struct target_text where;
  text = target_text_trim(text);
  const char *fault = target_text_read(text, &where);
  if (fault == NULL && where.unix_path.at != NULL) fault = token_target_unix_fault(where.unix_path);
  if (fault != NULL) {
    *why = fault;
    return WSL_INVALID;
  }
  *target = token_target_make(&where, text, origin);
  return *target == NULL ? WSL_NO_MEMORY : 0;
}
