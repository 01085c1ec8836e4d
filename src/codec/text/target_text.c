/* See codec/text/target_text.h. */
#include "codec/text/target_text.h"

#include "codec/chars.h"
#include "core/parse.h"

static const char unix_prefix[] = "unix_socket:";

/* Room for a host, brackets, a colon, five digits and a NUL. */
#define ENDPOINT_SIZE (TARGET_HOST_MAX + sizeof("[]:65535"))

struct wsl_span target_text_trim(struct wsl_span text) {
  while (text.len > 0 && char_is_space(text.at[0])) {
    text.at++;
    text.len--;
  }
  while (text.len > 0 && char_is_space(text.at[text.len - 1]))
    text.len--;
  return text;
}

static bool has_control(struct wsl_span text) {
  for (size_t i = 0; i < text.len; i++) {
    if (char_is_control(text.at[i])) return true;
  }
  return false;
}

static const char *read_unix(struct wsl_span path, struct target_text *target) {
  if (path.len == 0) return "the path of the Unix socket is missing";
  *target = (struct target_text){.unix_path = path};
  return NULL;
}

const char *target_text_read(struct wsl_span text, struct target_text *target) {
  if (has_control(text)) return "a control character";
  size_t prefix_len = sizeof(unix_prefix) - 1;
  if (text.len >= prefix_len && memcmp(text.at, unix_prefix, prefix_len) == 0)
    return read_unix((struct wsl_span){text.at + prefix_len, text.len - prefix_len}, target);
  char endpoint[ENDPOINT_SIZE];
  const char *why = NULL;
  if (text.len >= sizeof(endpoint)) return "the host is too long";
  if (text.len > 0) memcpy(endpoint, text.at, text.len);
  endpoint[text.len] = '\0';
  target->unix_path = (struct wsl_span){NULL, 0};
  int error =
      parse_endpoint(endpoint, PARSE_HOST_LOCAL, target->host, sizeof(target->host), &target->port, &why);
  return error == 0 ? NULL : why;
}
