/* See codec/http/htpasswd_line.h. A hash is looked at down to its last character: what crypt(3) would not
 * take must be said when the file is read, not to the user who can't log in. */
#include "codec/http/htpasswd_line.h"

#include "codec/chars.h"
#include "codec/http/basic.h"
#include "core/cut.h"

#define BCRYPT_LEN     60u /* "$2y$05$", 22 of the salt, 31 of the hash */
#define BCRYPT_COST_AT 4u
#define SALT_MAX       16u /* of $5$ and $6$ */
#define SHA256_CHARS   43u
#define SHA512_CHARS   86u
#define ROUNDS_MIN     1000u

static const char malformed[] = "the hash is cut off or damaged";

static bool is_blank(char c) {
  return char_is_blank(c) || c == '\r';
}

static struct wsl_span trimmed(struct wsl_span text) {
  while (text.len > 0 && is_blank(text.at[0]))
    text = span_from(text, 1);
  while (text.len > 0 && is_blank(text.at[text.len - 1]))
    text.len--;
  return text;
}

static bool is_letter_or_digit(char c) {
  return char_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* crypt(3)'s own alphabet of 64 characters. */
static bool is_crypt_text(struct wsl_span text) {
  for (size_t i = 0; i < text.len; i++) {
    if (!is_letter_or_digit(text.at[i]) && text.at[i] != '.' && text.at[i] != '/') return false;
  }
  return true;
}

static bool check_bcrypt(struct wsl_span hash, const char **why) {
  *why = malformed;
  if (hash.len != BCRYPT_LEN || hash.at[BCRYPT_COST_AT + 2] != '$') return false;
  const char *cost = hash.at + BCRYPT_COST_AT;
  if (!char_is_digit(cost[0]) || !char_is_digit(cost[1])) return false;
  if (!is_crypt_text(span_from(hash, BCRYPT_COST_AT + 3))) return false;
  unsigned value = (unsigned)(cost[0] - '0') * 10 + (unsigned)(cost[1] - '0');
  if (value > HTPASSWD_BCRYPT_COST_MAX)
    *why = "a cost over 15 would take seconds for each try (htpasswd -B -C 12)";
  return value >= 4 && value <= HTPASSWD_BCRYPT_COST_MAX;
}

/* "rounds=N$" in front of the salt, which moves behind it; crypt(3) takes it without leading zeros only. */
static bool check_rounds(struct wsl_span *rest, const char **why) {
  static const char word[] = "rounds=";
  if (!span_starts_with(*rest, word)) return true;
  struct wsl_span digits = span_from(*rest, sizeof(word) - 1);
  uint32_t value = 0;
  size_t i = 0;
  for (; i < digits.len && char_is_digit(digits.at[i]) && value <= HTPASSWD_SHA_ROUNDS_MAX; i++)
    value = value * 10 + (uint32_t)(digits.at[i] - '0');
  if (value > HTPASSWD_SHA_ROUNDS_MAX) {
    *why = "so many rounds would take seconds for each try (htpasswd -B)";
    return false;
  }
  if (i == digits.len || digits.at[i] != '$' || digits.at[0] == '0' || value < ROUNDS_MIN) return false;
  *rest = span_from(digits, i + 1);
  return true;
}

static bool check_sha_crypt(struct wsl_span hash, size_t chars, const char **why) {
  struct wsl_span rest = span_from(hash, 3);
  *why = malformed;
  if (!check_rounds(&rest, why)) return false;
  if (rest.len < chars + 1 || rest.len > SALT_MAX + 1 + chars) return false;
  struct wsl_span salt = {rest.at, rest.len - chars - 1};
  return rest.at[salt.len] == '$' && is_crypt_text(salt) && is_crypt_text(span_from(rest, salt.len + 1));
}

/* 27 characters and "=", as 20 bytes have it. */
static bool check_sha1(struct wsl_span hash, const char **why) {
  *why = malformed;
  if (hash.len != HTPASSWD_SHA1_CHARS || hash.at[HTPASSWD_SHA1_CHARS - 1] != '=') return false;
  for (size_t i = 0; i + 1 < hash.len; i++) {
    if (!is_letter_or_digit(hash.at[i]) && hash.at[i] != '+' && hash.at[i] != '/') return false;
  }
  return true;
}

static bool read_hash(struct wsl_span hash, struct htpasswd_line *entry, const char **why) {
  static const char sha1[] = "{SHA}";
  entry->kind = HTPASSWD_CRYPT;
  entry->hash = hash;
  if (span_starts_with(hash, "$2y$") || span_starts_with(hash, "$2b$") || span_starts_with(hash, "$2a$"))
    return check_bcrypt(hash, why);
  if (span_starts_with(hash, "$5$")) return check_sha_crypt(hash, SHA256_CHARS, why);
  if (span_starts_with(hash, "$6$")) return check_sha_crypt(hash, SHA512_CHARS, why);
  if (span_starts_with(hash, sha1)) {
    entry->kind = HTPASSWD_SHA1;
    entry->hash = span_from(hash, sizeof(sha1) - 1);
    return check_sha1(entry->hash, why);
  }
  *why = span_starts_with(hash, "$apr1$")
             ? "MD5 ($apr1$) is too weak to be accepted: set the password again with htpasswd -B"
             : "a plain password or an unsupported hash: set it again with htpasswd -B";
  return false;
}

static bool user_valid(struct wsl_span user) {
  for (size_t i = 0; i < user.len; i++) {
    if ((uint8_t)user.at[i] < ' ' || user.at[i] == 0x7f) return false;
  }
  return user.len > 0 && user.len <= BASIC_USER_MAX;
}

enum htpasswd_line_result htpasswd_line_read(struct wsl_span line, struct htpasswd_line *entry,
                                             const char **why) {
  line = trimmed(line);
  if (line.len == 0 || line.at[0] == '#') return HTPASSWD_NOTHING;
  const char *colon = memchr(line.at, ':', line.len);
  if (colon == NULL) {
    *why = "no colon: a line is user:hash";
    return HTPASSWD_BAD;
  }
  entry->user = (struct wsl_span){line.at, (size_t)(colon - line.at)};
  if (!user_valid(entry->user)) {
    *why = "the user before the colon is empty, too long, or holds control characters";
    return HTPASSWD_BAD;
  }
  return read_hash(span_from(line, entry->user.len + 1), entry, why) ? HTPASSWD_ENTRY : HTPASSWD_BAD;
}
