/* See route/token/redis_value.h. */
#include "route/token/redis_value.h"

#include "codec/text/target_text.h"
#include "core/error.h"
#include "core/log.h"
#include "route/token/json.h"
#include "route/token/target.h"

/* An error begins with its kind, in capitals; what follows may quote the command, and so the token. */
#define ERROR_KIND_MAX 24u

/* What a server says that could answer a moment later. */
static const char *const busy_kinds[] = {"LOADING", "BUSY", "TRYAGAIN", "MASTERDOWN", "CLUSTERDOWN"};

static struct wsl_span error_kind(struct wsl_span text) {
  size_t len = 0;
  while (len < text.len && len < ERROR_KIND_MAX && text.at[len] >= 'A' && text.at[len] <= 'Z')
    len++;
  return (struct wsl_span){text.at, len};
}

static void read_error(struct wsl_span text, const char *server, uint64_t id, struct token_answer *answer) {
  struct wsl_span kind = error_kind(text);
  answer->outcome = ROUTE_FAILED;
  for (size_t i = 0; i < sizeof busy_kinds / sizeof busy_kinds[0]; i++) {
    if (wsl_span_equal(kind, wsl_span_of(busy_kinds[i]))) answer->outcome = ROUTE_BUSY;
  }
  log_event(LOG_WARN, id, "redis server %s refuses to look a token up: %.*s", server, (int)kind.len, kind.at);
}

static void read_text(struct wsl_span text, const char *server, uint64_t id, struct token_answer *answer) {
  const char *why = "";
  text = target_text_trim(text);
  bool is_json = text.len > 0 && text.at[0] == '{';
  int error = is_json ? token_json_read(text, TARGET_LOOKED_UP, &answer->target, &why)
                      : token_target_read(text, TARGET_LOOKED_UP, &answer->target, &why);
  answer->outcome = error == 0 ? ROUTE_FOUND : error == WSL_NO_MEMORY ? ROUTE_BUSY : ROUTE_FAILED;
  if (answer->outcome == ROUTE_FAILED)
    log_event(LOG_WARN, id, "the value of a token at redis server %s is not a target: %s", server, why);
}

void redis_value_read(const struct redis_reply *reply, const char *server, uint64_t id,
                      struct token_answer *answer) {
  switch (reply->kind) {
    case REDIS_NIL:
      answer->outcome = ROUTE_UNKNOWN;
      return;
    case REDIS_VALUE:
      read_text(reply->text, server, id, answer);
      return;
    case REDIS_ERROR:
      read_error(reply->text, server, id, answer);
      return;
    case REDIS_STATUS:
    case REDIS_OTHER:
      answer->outcome = ROUTE_FAILED;
      log_event(LOG_WARN, id, "the value of a token at redis server %s is not a target: %s", server,
                "it is too long, or no text");
      return;
  }
}
