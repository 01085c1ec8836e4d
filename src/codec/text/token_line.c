/* Taking a token file's line apart (codec/text/token_line.h). The sentences name what is wrong, never the
 * token: they go to the log.
 */
#include "codec/text/token_line.h"

#include "codec/chars.h"

#define COMMENT_MARK '#'

static bool has_control(struct wsl_span text) {
  for (size_t i = 0; i < text.len; i++) {
    if (char_is_control(text.at[i])) return true;
  }
  return false;
}

/* Where the colon stands that ends the token, or line.len. */
static size_t find_separator(struct wsl_span line) {
  for (size_t i = 0; i + 1 < line.len; i++) {
    if (line.at[i] == ':' && char_is_space(line.at[i + 1])) return i;
  }
  return line.len;
}

static struct wsl_span cut_comment(struct wsl_span text) {
  for (size_t i = 0; i < text.len; i++) {
    if (text.at[i] == COMMENT_MARK && (i == 0 || char_is_space(text.at[i - 1])))
      return target_text_trim((struct wsl_span){text.at, i});
  }
  return text;
}

/* Why a line without a separator is none. */
static const char *separator_fault(struct wsl_span line) {
  if (line.at[line.len - 1] == ':') return "the target is missing after the token's colon";
  if (memchr(line.at, ':', line.len) != NULL) return "white space is missing after the token's colon";
  return "not of the form token: host:port";
}

enum token_line_kind token_line_read(struct wsl_span line, struct token_line *entry, const char **why) {
  line = target_text_trim(line);
  if (line.len == 0 || line.at[0] == COMMENT_MARK) return TOKEN_LINE_NOTHING;
  size_t colon = find_separator(line);
  if (colon == line.len) {
    *why = separator_fault(line);
    return TOKEN_LINE_BAD;
  }
  *entry = (struct token_line){
      .token = target_text_trim((struct wsl_span){line.at, colon}),
      .target = cut_comment(target_text_trim((struct wsl_span){line.at + colon + 1, line.len - colon - 1})),
  };
  const char *fault = NULL;
  if (entry->token.len == 0) fault = "the token is missing before its colon";
  if (entry->target.len == 0) fault = "the target is missing after the token's colon";
  if (has_control(entry->token)) fault = "a control character";
  if (fault == NULL) fault = target_text_read(entry->target, &entry->where);
  if (fault == NULL) return TOKEN_LINE_ENTRY;
  *why = fault;
  return TOKEN_LINE_BAD;
}
