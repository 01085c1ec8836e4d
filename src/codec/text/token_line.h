/* One line of a token file, as websockify's TokenFile has them. Pure.
 *
 *   token: host:port
 *   token: [2001:db8::1]:port        brackets may be left out: the last colon splits
 *   token: unix_socket:/path
 *   # a comment; behind white space also at the end of a line
 *
 * White space at both ends of a line is nothing; the token ends at the first colon with white space behind
 * it, so tokens may hold colons. What is taken beyond websockify: comments behind a target, white space
 * before the token's colon, colons in a socket's path.
 */
#ifndef CODEC_TEXT_TOKEN_LINE_H
#define CODEC_TEXT_TOKEN_LINE_H

#include "codec/text/target_text.h"

enum token_line_kind {
  TOKEN_LINE_NOTHING, /* blank, or a comment */
  TOKEN_LINE_ENTRY,
  TOKEN_LINE_BAD
};

/* Spans point into the line. */
struct token_line {
  struct wsl_span token;    /* not empty */
  struct wsl_span target;   /* as it is written, trimmed */
  struct target_text where; /* the same, taken apart */
};

/* Reads a line without its "\n" (a "\r" is white space). BAD: *why is a static sentence without a full stop,
 * made to stand behind a file's name and a line's number, and nothing of `entry` may be used. */
WSL_MUST_CHECK enum token_line_kind token_line_read(struct wsl_span line, struct token_line *entry,
                                                    const char **why);

#endif
