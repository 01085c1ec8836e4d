/* See route/token/json.h. */
#include "route/token/json.h"

#include <jansson.h>

#include "core/error.h"
#include "core/text.h"
#include "route/token/target.h"

/* The longest target as a text: a Unix socket's path, or a name and a port; more is refused by who reads it.
 */
#define TARGET_MAX 1024u

/* Deeper than any answer that holds a target. */
#define DEPTH_MAX 16u

/* jansson passes over a NUL that stands behind a number. */
static bool has_nul(struct wsl_span text) {
  return text.len > 0 && memchr(text.at, '\0', text.len) != NULL;
}

/* .NET writes one in front; who reads may pass over it (RFC 8259 8.1). */
static struct wsl_span pass_over_mark(struct wsl_span text) {
  static const char mark[] = "\xef\xbb\xbf";
  size_t len = sizeof(mark) - 1;
  if (text.len < len || memcmp(text.at, mark, len) != 0) return text;
  return (struct wsl_span){text.at + len, text.len - len};
}

/* Whether brackets and braces nest too deep, before a parser that recurses sees them. */
static bool is_deep(struct wsl_span text) {
  size_t depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.at[i];
    if (in_string && c == '\\') i++;
    if (c == '"') in_string = !in_string;
    if (in_string) continue;
    if ((c == '{' || c == '[') && ++depth > DEPTH_MAX) return true;
    if ((c == '}' || c == ']') && depth > 0) depth--;
  }
  return false;
}

/* Writes "host:port" or what else the members come to. NULL, or what is wrong. */
static const char *join(const json_t *host, const json_t *port, struct text *text) {
  if (!json_is_string(host)) return "\"host\" in the JSON is not a string";
  if (json_string_length(host) == 0)
    return "the host is missing"; /* not this machine: nobody wrote ":port" */
  text_span(text, (struct wsl_span){json_string_value(host), json_string_length(host)});
  if (port == NULL) return NULL;
  text_string(text, ":");
  if (json_is_string(port))
    text_span(text, (struct wsl_span){json_string_value(port), json_string_length(port)});
  else if (json_is_integer(port) && json_integer_value(port) >= 0)
    text_unsigned(text, (uint64_t)json_integer_value(port));
  else
    return "\"port\" in the JSON is neither a number nor a string";
  return NULL;
}

int token_json_read(struct wsl_span text, enum target_origin origin, struct target **target,
                    const char **why) {
  char joined[TARGET_MAX];
  struct text out;
  text_init(&out, joined, sizeof(joined));
  text = pass_over_mark(text);
  bool is_read = text.len > 0 && !has_nul(text) && !is_deep(text);
  json_t *root = is_read ? json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, NULL) : NULL;
  const char *fault = json_is_object(root) ? NULL : "not a JSON object";
  if (fault == NULL) fault = join(json_object_get(root, "host"), json_object_get(root, "port"), &out);
  if (fault == NULL && out.overflow) fault = "the host is too long";
  json_decref(root);
  if (fault == NULL) return token_target_read(text_view(&out), origin, target, why);
  *why = fault;
  return WSL_INVALID;
}
