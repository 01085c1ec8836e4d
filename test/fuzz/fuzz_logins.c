/* fuzz: max_len=1024
 *
 * What strangers and operators write about logins: Basic credentials against base64 decoded by hand, and
 * written anew read as the same; lines of htpasswd files, of which crypt(3) takes every hash that we take;
 * cookies, of which only the very one that was made is good.
 */
#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>

#include <wsluice/base64.h>
#include <wsluice/utf8.h>

#include "codec/http/basic.h"
#include "codec/http/htpasswd_line.h"
#include "fuzz/fuzz.h"
#include "route/auth/cookie.h"

#define NOW_S      1000u
#define LIFETIME_S 100u

/* ---- Basic --------------------------------------------------------------------------------------------- */

/* Bytes of strict base64 into out[0..3/4 text.len]; false: it is none. */
static bool decode(struct wsl_span text, uint8_t *out, size_t *len) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t pads = 0;
  while (pads < 2 && pads < text.len && text.at[text.len - 1 - pads] == '=')
    pads++;
  *len = 0;
  if (text.len == 0 || text.len % 4 != 0) return false;
  uint32_t bits = 0;
  for (size_t i = 0; i < text.len; i++) {
    const char *digit = i < text.len - pads && text.at[i] != '\0' ? strchr(digits, text.at[i]) : digits;
    if (digit == NULL || (i < text.len - pads && text.at[i] == '\0')) return false;
    bits = bits << 6 | (uint32_t)(digit - digits);
    for (size_t byte = 0; i % 4 == 3 && byte < 3; byte++)
      out[(*len)++] = (uint8_t)(bits >> (16 - 8 * byte));
  }
  *len -= pads;
  return true;
}

static bool is_plain(const uint8_t *text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (text[i] < 0x20 || text[i] == 0x7f) return false;
  }
  return true;
}

static void check_parts(const struct basic_login *login) {
  fuzz_check(strlen(login->user) == login->user_len && strlen(login->password) == login->password_len,
             "lengths");
  fuzz_check(memchr(login->user, ':', login->user_len) == NULL, "a colon in the user");
  fuzz_check(wsl_utf8_valid((const uint8_t *)login->user, login->user_len) &&
                 wsl_utf8_valid((const uint8_t *)login->password, login->password_len),
             "UTF-8");
}

/* What was read, written anew. */
static void check_again(const struct basic_login *login) {
  char text[sizeof login->user + sizeof login->password], value[2 * sizeof text] = "basic ";
  int len = snprintf(text, sizeof text, "%s:%s", login->user, login->password);
  wsl_base64_encode((uint8_t *)value + 6, (const uint8_t *)text, (size_t)len);
  struct basic_login again;
  struct wsl_span span = {value, 6 + wsl_base64_len((size_t)len)};
  fuzz_check(basic_read(span, &again) == BASIC_READ, "written anew it is refused");
  fuzz_check(strcmp(again.user, login->user) == 0 && strcmp(again.password, login->password) == 0,
             "not the same");
}

static void check_basic(struct fuzz_input input) {
  size_t prefix_len = sizeof "Basic " - 1, len = 0;
  char *value = fuzz_memory(prefix_len + input.len);
  memcpy(value, "Basic ", prefix_len);
  if (input.len > 0) memcpy(value + prefix_len, input.at, input.len);
  struct basic_login login;
  enum basic_result result = basic_read((struct wsl_span){value, prefix_len + input.len}, &login);
  struct wsl_span rest = {(const char *)input.at, input.len};
  while (rest.len > 0 && rest.at[0] == ' ')
    rest = (struct wsl_span){rest.at + 1, rest.len - 1};
  uint8_t *decoded = fuzz_memory(rest.len);
  bool good = decode(rest, decoded, &len);
  if (good && len <= BASIC_USER_MAX) good = memchr(decoded, ':', len) != NULL && is_plain(decoded, len);
  fuzz_check((result == BASIC_MALFORMED) == !good || len > BASIC_USER_MAX, "result %d", (int)result);
  fuzz_check(result != BASIC_READ || good, "result %d", (int)result);
  if (result == BASIC_READ) {
    check_parts(&login);
    check_again(&login);
  }
  free(decoded);
  free(value);
}

/* ---- htpasswd ------------------------------------------------------------------------------------------ */

static void check_line(struct fuzz_input input) {
  char *line = fuzz_copy(input.at, input.len);
  struct htpasswd_line entry, again;
  const char *why = NULL;
  enum htpasswd_line_result result = htpasswd_line_read((struct wsl_span){line, input.len}, &entry, &why);
  fuzz_check((result == HTPASSWD_BAD) == (why != NULL && *why != '\0') || result == HTPASSWD_ENTRY,
             "a sentence");
  if (result == HTPASSWD_ENTRY) {
    fuzz_check(fuzz_within(entry.user, line, input.len) && fuzz_within(entry.hash, line, input.len),
               "within");
    fuzz_check(entry.user.len > 0 && entry.user.len <= BASIC_USER_MAX, "a user");
    fuzz_check(entry.hash.len > 0 && entry.hash.len <= HTPASSWD_HASH_MAX, "a hash of %zu bytes",
               entry.hash.len);
    char *hash = fuzz_text(entry.hash);
    fuzz_check(strlen(hash) == entry.hash.len, "a NUL");
    bool crypts = entry.kind == HTPASSWD_CRYPT;
    int salt = crypts ? crypt_checksalt(hash) : CRYPT_SALT_OK;
    fuzz_check(salt == CRYPT_SALT_OK || salt == CRYPT_SALT_METHOD_LEGACY, "crypt would not take %s", hash);
    char text[BASIC_USER_MAX + HTPASSWD_HASH_MAX + 16];
    int len = snprintf(text, sizeof text, "%.*s:%s%s", (int)entry.user.len, entry.user.at,
                       crypts ? "" : "{SHA}", hash);
    fuzz_check(htpasswd_line_read((struct wsl_span){text, (size_t)len}, &again, &why) == HTPASSWD_ENTRY,
               "anew");
    fuzz_check(wsl_span_equal(again.hash, entry.hash) && again.kind == entry.kind, "the same");
    free(hash);
  }
  free(line);
}

/* ---- cookies ------------------------------------------------------------------------------------------- */

static struct auth_cookies cookies;
static char made[AUTH_COOKIE_MAX]; /* "name=value" */

static void make_cookie(void) {
  static const uint8_t key[SHA256_SIZE] = "a key", tag[PASSWORD_TAG_SIZE] = "a tag";
  if (made[0] != '\0') return;
  fuzz_check(auth_cookies_init(&cookies, key, LIFETIME_S) == 0, "there is memory");
  fuzz_check(auth_cookie_make(&cookies, GATE_OVER_PLAIN, tag, NOW_S, made) == 0, "there is memory");
  made[strcspn(made, ";")] = '\0';
}

/* The byte 0x01 of an input stands for the good cookie's text. */
static void check_cookie(struct fuzz_input input) {
  struct wsl_head head;
  struct wsl_head_field fields[4];
  struct wsl_head_limits limits = {64, 1u << 20, 4};
  make_cookie();
  char *text = fuzz_memory(64 + (input.len + 1) * sizeof made);
  size_t len = (size_t)sprintf(text, "GET / HTTP/1.1\r\nCookie: "), start = len;
  for (size_t i = 0; i < input.len; i++) {
    if (input.at[i] == 0x01)
      len += (size_t)sprintf(text + len, "%s", made);
    else if (input.at[i] != '\r' && input.at[i] != '\n')
      text[len++] = (char)input.at[i];
  }
  bool holds = false; /* in any case of its digits */
  for (size_t at = start; at + strlen(made) <= len; at++)
    holds = holds || wsl_span_equal_nocase((struct wsl_span){text + at, strlen(made)}, wsl_span_of(made));
  memcpy(text + len, "\r\n\r\n", 4);
  wsl_head_init(&head, &limits, fields);
  uint8_t tag[PASSWORD_TAG_SIZE];
  uint64_t left_s = 0;
  if (wsl_head_feed(&head, text, len + 4) == WSL_HEAD_DONE &&
      auth_cookie_read(&cookies, GATE_OVER_PLAIN, &head, NOW_S, tag, &left_s))
    fuzz_check(holds && left_s == LIFETIME_S, "a cookie that nobody made");
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  switch (fuzz_choice(&input) % 3) {
    case 0:
      check_basic(input);
      break;
    case 1:
      check_line(input);
      break;
    default:
      check_cookie(input);
  }
  return 0;
}
