/* See route/auth/cookie.h. */
#include "route/auth/cookie.h"

#include <stdio.h>

#include "codec/http/cookie.h"
#include "core/error.h"
#include "core/parse.h"

#define END_SIZE    8u /* bytes, as are the next */
#define SIGNED_SIZE (END_SIZE + PASSWORD_TAG_SIZE)
#define VALUE_SIZE  (SIGNED_SIZE + SHA256_SIZE)

/* Bytes of the name that come from the key. */
#define NAME_BYTES 4u

static const char host_prefix[] = AUTH_COOKIE_HOST_PREFIX;

static void put_hex(const uint8_t *bytes, size_t len, char *out) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < len; i++) {
    out[2 * i] = digits[bytes[i] >> 4];
    out[2 * i + 1] = digits[bytes[i] & 0xf];
  }
  out[2 * len] = '\0';
}

/* All of `text`, which must be so long. */
static bool take_hex(struct wsl_span text, uint8_t *bytes, size_t len) {
  if (text.len != 2 * len) return false;
  for (size_t i = 0; i < len; i++) {
    int high = parse_hex_digit(text.at[2 * i]), low = parse_hex_digit(text.at[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    bytes[i] = (uint8_t)(high * 16 + low);
  }
  return true;
}

int auth_cookies_init(struct auth_cookies *cookies, const uint8_t key[SHA256_SIZE], uint64_t lifetime_s) {
  static const char purpose[] = "the cookie's name";
  uint8_t mac[SHA256_SIZE];
  char digits[2 * NAME_BYTES + 1];
  memcpy(cookies->key, key, SHA256_SIZE);
  cookies->lifetime_s = lifetime_s;
  int error = hash_hmac_sha256(key, SHA256_SIZE, purpose, sizeof(purpose), mac);
  put_hex(mac, NAME_BYTES, digits);
  (void)snprintf(cookies->name, sizeof(cookies->name), "%s" AUTH_COOKIE_NAME "%s", host_prefix, digits);
  return error;
}

static const char *name_over(const struct auth_cookies *cookies, enum gate_carrier carrier) {
  return carrier == GATE_OVER_TLS ? cookies->name : cookies->name + sizeof(host_prefix) - 1;
}

static int sign(const struct auth_cookies *cookies, uint8_t value[VALUE_SIZE]) {
  return hash_hmac_sha256(cookies->key, SHA256_SIZE, value, SIGNED_SIZE, value + SIGNED_SIZE);
}

int auth_cookie_make(const struct auth_cookies *cookies, enum gate_carrier carrier,
                     const uint8_t tag[PASSWORD_TAG_SIZE], uint64_t now_s, char out[AUTH_COOKIE_MAX]) {
  uint8_t value[VALUE_SIZE];
  uint64_t end_s = now_s + cookies->lifetime_s;
  for (size_t i = 0; i < END_SIZE; i++)
    value[i] = (uint8_t)(end_s >> (8 * (END_SIZE - 1 - i)));
  memcpy(value + END_SIZE, tag, PASSWORD_TAG_SIZE);
  int error = sign(cookies, value);
  char digits[2 * VALUE_SIZE + 1];
  put_hex(value, VALUE_SIZE, digits);
  (void)snprintf(out, AUTH_COOKIE_MAX, "%s=%s; Path=/; Max-Age=%llu; HttpOnly; SameSite=Strict%s",
                 name_over(cookies, carrier), digits, (unsigned long long)cookies->lifetime_s,
                 carrier == GATE_OVER_TLS ? "; Secure" : "");
  return error;
}

/* Whether it is signed by us and not over. */
static bool check(const struct auth_cookies *cookies, struct wsl_span text, uint64_t now_s,
                  uint8_t tag[PASSWORD_TAG_SIZE], uint64_t *left_s) {
  uint8_t value[VALUE_SIZE], own[VALUE_SIZE];
  uint64_t end_s = 0;
  if (!take_hex(text, value, VALUE_SIZE)) return false;
  memcpy(own, value, SIGNED_SIZE);
  if (sign(cookies, own) != 0 || !secret_equal(own, value, VALUE_SIZE)) return false;
  for (size_t i = 0; i < END_SIZE; i++)
    end_s = end_s << 8 | value[i];
  /* One from a clock that was ahead is no better than one made now. */
  if (end_s <= now_s || end_s - now_s > cookies->lifetime_s) return false;
  memcpy(tag, value + END_SIZE, PASSWORD_TAG_SIZE);
  *left_s = end_s - now_s;
  return true;
}

bool auth_cookie_read(const struct auth_cookies *cookies, enum gate_carrier carrier,
                      const struct wsl_head *head, uint64_t now_s, uint8_t tag[PASSWORD_TAG_SIZE],
                      uint64_t *left_s) {
  struct wsl_span name = wsl_span_of(name_over(cookies, carrier)), header, value;
  for (uint32_t field = 0; wsl_head_next(head, wsl_span_of("Cookie"), &field, &header);) {
    if (cookie_value(header, name, &value) && check(cookies, value, now_s, tag, left_s)) return true;
  }
  return false;
}
