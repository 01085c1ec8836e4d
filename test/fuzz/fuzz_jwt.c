/* fuzz: max_len=2000
 *
 * Signed tokens. An input is a token as a stranger sends it; or "header LF claims", which are signed here, so
 * that what stands behind a good signature is reached too.
 *
 * A stranger gets nowhere, whatever the key; parts are the token's own text, and decode to bytes that encode
 * to the same text again. What is signed is taken only when its claims say so in plain words: a target that
 * reads "host:port" and holds no NUL; and never before its time or after it.
 */
#include <mbedtls/md.h>
#include <stdlib.h>

#include "codec/text/jose.h"
#include "fuzz/fuzz.h"
#include "route/jose/jwt.h"
#include "unit/route/jose_examples.h"

#define SECRET "thirty-two bytes that nobody has"

/* ---- keys ---- */

static struct jose_key *make_key(const char *text) {
  char why[400];
  struct jose_key *key = NULL;
  char *copy = fuzz_text(wsl_span_of(text));
  struct tls_pem pem = {
      .role = "key", .path = "file", .why = why, .why_cap = sizeof why, .text = copy, .len = strlen(copy)};
  fuzz_check(jose_key_make(&pem, &key) == 0, "a key: %s", why);
  free(copy);
  return key;
}

enum { KEY_SECRET, KEY_RSA, KEY_EC, KEYS };

static const struct jose_key *key_of(unsigned which) {
  static struct jose_key *keys[KEYS];
  static const char *const texts[KEYS] = {SECRET, oaep_key, es256_key};
  if (keys[which] == NULL) keys[which] = make_key(texts[which]);
  return keys[which];
}

/* ---- encoding ---- */

/* RFC 4648 5 without padding; returns the end. */
static char *encode(char *out, const uint8_t *data, size_t len) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  unsigned bits = 0, held = 0;
  for (size_t i = 0; i < len; i++) {
    bits = (bits << 8 | data[i]) & 0xFFFF;
    for (held += 8; held >= 6; held -= 6)
      *out++ = alphabet[bits >> (held - 6) & 63];
  }
  if (held > 0) *out++ = alphabet[bits << (6 - held) & 63];
  return out;
}

static void check_part(struct wsl_span part, struct wsl_span token) {
  fuzz_check(fuzz_within(part, token.at, token.len), "a part is the token's");
  uint8_t *bytes = fuzz_memory(base64url_room(part.len));
  char *again = fuzz_memory(part.len + 4);
  size_t len;
  if (base64url_decode(part, BASE64URL_TAIL_ZERO, bytes, &len) == 0) {
    size_t wanted = (size_t)(encode(again, bytes, len) - again);
    fuzz_check(wsl_span_equal((struct wsl_span){again, wanted}, part), "%zu bytes have one text", len);
  }
  free(again);
  free(bytes);
}

/* ---- tokens ---- */

static void check_stranger(struct wsl_span token) {
  struct jose_parts parts;
  char target[JWT_TARGET_SIZE];
  if (jose_split(token, &parts) == 0) {
    for (size_t i = 0; i < parts.count; i++)
      check_part(parts.part[i], token);
  }
  for (unsigned which = 0; which < KEYS; which++) {
    enum jose_verdict verdict = jwt_open(key_of(which), token, 1e9, target);
    fuzz_check(verdict != JOSE_GOOD && verdict != JOSE_CLAIMS && verdict != JOSE_EXPIRED &&
                   verdict != JOSE_TOO_EARLY && verdict != JOSE_NO_MEMORY,
               "a stranger's token: %s", jwt_verdict_text(verdict));
  }
}

/* A token of these parts, signed with the secret; the caller's to free. */
static struct wsl_span sign(struct wsl_span header, struct wsl_span claims) {
  char *token = fuzz_memory(2 * (header.len + claims.len) + 100), *at = token;
  uint8_t mac[32];
  at = encode(at, (const uint8_t *)header.at, header.len);
  *at++ = '.';
  at = encode(at, (const uint8_t *)claims.at, claims.len);
  int failed = mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), (const unsigned char *)SECRET,
                               strlen(SECRET), (const unsigned char *)token, (size_t)(at - token), mac);
  fuzz_check(failed == 0, "a signature");
  *at++ = '.';
  at = encode(at, mac, sizeof mac);
  return (struct wsl_span){token, (size_t)(at - token)};
}

static bool holds(struct wsl_span text, const char *word) {
  return memmem(text.at, text.len, word, strlen(word)) != NULL;
}

static void check_target(const char *target) {
  const char *end = memchr(target, '\0', JWT_TARGET_SIZE);
  fuzz_check(end != NULL, "the target ends");
  const char *colon = strchr(target, ':');
  fuzz_check(colon != NULL && colon[1] != '\0', "host and port: %s", target);
}

static void check_signed(struct wsl_span header, struct wsl_span claims) {
  char target[JWT_TARGET_SIZE];
  struct wsl_span token = sign(header, claims);
  enum jose_verdict verdict = jwt_open(key_of(KEY_SECRET), token, 1e9, target);
  if (verdict == JOSE_GOOD) {
    bool escapes = holds(header, "\\") || holds(claims, "\\");
    fuzz_check(escapes || holds(header, "HS256"), "by its own algorithm");
    fuzz_check(escapes || (holds(claims, "\"host\"") && holds(claims, "\"port\"")), "what it must have");
    fuzz_check(memchr(claims.at, '\0', claims.len) == NULL, "no NUL");
    check_target(target);
    if (holds(claims, "\"exp\"") || holds(claims, "\"nbf\"")) {
      enum jose_verdict early = jwt_open(key_of(KEY_SECRET), token, -1e300, target);
      enum jose_verdict late = jwt_open(key_of(KEY_SECRET), token, 1e300, target);
      fuzz_check(early == JOSE_GOOD || early == JOSE_TOO_EARLY, "early: %s", jwt_verdict_text(early));
      fuzz_check(late == JOSE_GOOD || late == JOSE_EXPIRED, "late: %s", jwt_verdict_text(late));
    }
  }
  bool of_another_length = holds(header, "HS384") || holds(header, "HS512") || holds(header, "\\");
  fuzz_check(verdict != JOSE_FORGED || of_another_length, "its signature is good");
  fuzz_check(jwt_open(key_of(KEY_RSA), token, 1e9, target) != JOSE_GOOD, "another key");
  free((void *)(uintptr_t)token.at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  if (memchr(data, '\n', size) == NULL) {
    char *copy = fuzz_copy(data, size);
    check_stranger((struct wsl_span){copy, size});
    free(copy);
    return 0;
  }
  struct wsl_span header = fuzz_piece(&input, '\n');
  check_signed(header, (struct wsl_span){(const char *)input.at, input.len});
  return 0;
}
