/* One line of a file as Apache's htpasswd writes it. Pure.
 *
 *   user:$2y$05$...    bcrypt (htpasswd -B); also $2a$ and $2b$
 *   user:$5$... $6$... SHA-256 and SHA-512 in many rounds (htpasswd -2, -5)
 *   user:{SHA}...      base64 of one SHA-1 (htpasswd -s)
 *   # a comment
 *
 * What is left out, and said: $apr1$ (htpasswd's default: MD5), crypt's old forms, and passwords in clear.
 * A hash that would take seconds is refused too: each try of a stranger costs as much.
 */
#ifndef CODEC_HTTP_HTPASSWD_LINE_H
#define CODEC_HTTP_HTPASSWD_LINE_H

#include <stdint.h>

#include <wsluice/span.h>

/* htpasswd's own default is 5, its most 17: some ten seconds. 15 takes two to three. */
#define HTPASSWD_BCRYPT_COST_MAX 15u
/* A second or less. crypt's own default is 5,000, its most 999,999,999. */
#define HTPASSWD_SHA_ROUNDS_MAX 1000000u

#define HTPASSWD_SHA1_CHARS 28u /* base64 of 20 bytes */
#define HTPASSWD_HASH_MAX   127u

enum htpasswd_kind {
  HTPASSWD_CRYPT, /* for crypt(3) */
  HTPASSWD_SHA1   /* behind "{SHA}" */
};

enum htpasswd_line_result {
  HTPASSWD_NOTHING, /* blank, or a comment */
  HTPASSWD_ENTRY,
  HTPASSWD_BAD
};

/* Spans point into the line. */
struct htpasswd_line {
  struct wsl_span user; /* not empty, at most BASIC_USER_MAX bytes */
  struct wsl_span hash; /* HTPASSWD_CRYPT: all of it; HTPASSWD_SHA1: the base64 alone */
  enum htpasswd_kind kind;
};

/* Reads a line without its "\n" (a "\r" before it is white space). BAD: *why is a static sentence without a
 * full stop, made to stand behind a file's name and a line's number; nothing of the line is in it. */
WSL_MUST_CHECK enum htpasswd_line_result htpasswd_line_read(struct wsl_span line, struct htpasswd_line *entry,
                                                            const char **why);

#endif
