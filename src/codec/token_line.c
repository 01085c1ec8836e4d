/* Taking a token file's line apart (codec/token_line.h). The sentences name what is wrong, never the token:
 * they go to the log.
 */
#include "codec/token_line.h"

#include "core/parse.h"

#define COMMENT_MARK '#'

static const char unix_prefix[] = "unix_socket:";

/* Room for a host, brackets, a colon, five digits and a NUL. */
#define ENDPOINT_SIZE (TOKEN_HOST_MAX + sizeof("[]:65535"))

/* What "\s" stands for in a regular expression over ASCII. */
static bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct wsl_span trim(struct wsl_span text) {
  while (text.len > 0 && is_space(text.at[0])) {
    text.at++;
    text.len--;
  }
  while (text.len > 0 && is_space(text.at[text.len - 1]))
    text.len--;
  return text;
}

static bool has_control(struct wsl_span text) {
  for (size_t i = 0; i < text.len; i++) {
    if ((unsigned char)text.at[i] < ' ' || text.at[i] == 0x7f) return true;
  }
  return false;
}

/* Where the colon stands that ends the token, or line.len. */
static size_t find_separator(struct wsl_span line) {
  for (size_t i = 0; i + 1 < line.len; i++) {
    if (line.at[i] == ':' && is_space(line.at[i + 1])) return i;
  }
  return line.len;
}

static struct wsl_span cut_comment(struct wsl_span text) {
  for (size_t i = 0; i < text.len; i++) {
    if (text.at[i] == COMMENT_MARK && (i == 0 || is_space(text.at[i - 1])))
      return trim((struct wsl_span){text.at, i});
  }
  return text;
}

/* Why a line without a separator is none. */
static const char *separator_fault(struct wsl_span line) {
  if (line.at[line.len - 1] == ':') return "the target is missing behind the token's colon";
  if (memchr(line.at, ':', line.len) != NULL) return "no white space behind the token's colon";
  return "not of the form token: host:port";
}

/* NULL when the target is good, else why it is not. */
static const char *read_target(struct token_line *entry) {
  struct wsl_span target = entry->target;
  size_t prefix_len = sizeof(unix_prefix) - 1;
  if (target.len >= prefix_len && memcmp(target.at, unix_prefix, prefix_len) == 0) {
    if (target.len == prefix_len) return "the path of the Unix socket is missing";
    entry->unix_path = (struct wsl_span){target.at + prefix_len, target.len - prefix_len};
    return NULL;
  }
  char endpoint[ENDPOINT_SIZE];
  const char *why = NULL;
  if (target.len >= sizeof(endpoint)) return "the host is too long";
  memcpy(endpoint, target.at, target.len);
  endpoint[target.len] = '\0';
  return parse_endpoint(endpoint, PARSE_HOST_REQUIRED, entry->host, sizeof(entry->host), &entry->port,
                        &why) == 0
             ? NULL
             : why;
}

enum token_line_kind token_line_read(struct wsl_span line, struct token_line *entry, const char **why) {
  line = trim(line);
  if (line.len == 0 || line.at[0] == COMMENT_MARK) return TOKEN_LINE_NOTHING;
  size_t colon = find_separator(line);
  if (colon == line.len) {
    *why = separator_fault(line);
    return TOKEN_LINE_BAD;
  }
  *entry = (struct token_line){
      .token = trim((struct wsl_span){line.at, colon}),
      .target = cut_comment(trim((struct wsl_span){line.at + colon + 1, line.len - colon - 1})),
  };
  const char *fault = NULL;
  if (entry->token.len == 0) fault = "the token is missing before its colon";
  if (entry->target.len == 0) fault = "the target is missing behind the token's colon";
  if (has_control(entry->token) || has_control(entry->target)) fault = "a control character";
  if (fault == NULL) fault = read_target(entry);
  if (fault == NULL) return TOKEN_LINE_ENTRY;
  *why = fault;
  return TOKEN_LINE_BAD;
}
