/* See route/token/trouble.h. */
#include "route/token/trouble.h"

#include <stdio.h>

#include "core/log.h"

#define SHOWN_PATH_MAX 256u

static const char *text_of(int error) {
  switch (error) {
    case TOKEN_SOURCE_OTHER:
      return "Neither a regular file nor a directory";
    case TOKEN_SOURCE_NO_DIRECTORY:
      return "Not a directory";
    default:
      return error_text(error);
  }
}

void token_trouble_note(struct token_trouble *trouble, const char *path, int error) {
  if (atomic_exchange(&trouble->error, error) == error) return;
  char shown[SHOWN_PATH_MAX];
  log_escape(wsl_span_of(path), shown, sizeof(shown));
  if (error == 0) {
    log_event(LOG_INFO, 0, "token source \"%s\" can be read again", shown);
  } else {
    log_event(LOG_ERROR, 0, "token source \"%s\" can't be read: %s", shown, text_of(error));
  }
}

enum route_outcome token_trouble_outcome(int error) {
  switch (error) {
    case WSL_NO_MEMORY:
    case WSL_NO_DESCRIPTOR:
    case WSL_NO_PORT:
      return ROUTE_BUSY;
    default:
      return ROUTE_FAILED;
  }
}

int token_trouble_refuse(int error, const char *path, char *why, size_t why_cap) {
  char shown[SHOWN_PATH_MAX];
  snprintf(why, why_cap, "the token source \"%s\" can't be read: %s",
           log_escape(wsl_span_of(path), shown, sizeof(shown)), text_of(error));
  return error;
}
