/* Tokens: the RFCs' own examples, claims of every shape, and what forgers try. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <mbedtls/md.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wsluice/base64.h>

#include "codec/text/jose.h"
#include "core/hash.h"
#include "jose_examples.h"
#include "route/jose/jwe.h"
#include "route/jose/jwt.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NOW             1700000000.0

static struct jose_key *key_of(const char *content) {
  char why[400] = "", *text = strdup(content);
  struct tls_pem pem = {
      .role = "key", .path = "file", .why = why, .why_cap = sizeof why, .text = text, .len = strlen(content)};
  struct jose_key *key = NULL;
  if (jose_key_make(&pem, &key) != 0) fail_msg("%s", why);
  free(text);
  return key;
}

/* In memory of exact size. */
static enum jose_verdict open_at(const struct jose_key *key, const char *token, double now, char *target) {
  size_t len = strlen(token);
  char *copy = malloc(len);
  memcpy(copy, token, len);
  enum jose_verdict verdict = jwt_open(key, (struct wsl_span){copy, len}, now, target);
  free(copy);
  return verdict;
}

/* ---- the RFCs' examples ---- */

/* RFC 7515 A.1 to A.3 share one payload: it expires at 1300819380, and names no host. */
#define EXAMPLE_EXP 1300819380.0

struct example {
  const char *name, *key, *token;
};

static const struct example examples[] = {
    {"A.1 HS256", hs256_key, hs256_token},
    {"A.2 RS256", rs256_key, rs256_token},
    {"A.3 ES256", es256_key, es256_token},
};

static void expect(const char *name, enum jose_verdict verdict, enum jose_verdict wanted) {
  if (verdict != wanted)
    fail_msg("%s: %s, not: %s", name, jwt_verdict_text(verdict), jwt_verdict_text(wanted));
}

static void examples_verify(void **state) {
  (void)state;
  char target[JWT_TARGET_SIZE];
  for (size_t i = 0; i < COUNT_OF(examples); i++) {
    const struct example *row = &examples[i];
    struct jose_key *key = key_of(row->key);
    expect(row->name, open_at(key, row->token, EXAMPLE_EXP - 0.001, target), JOSE_CLAIMS);
    expect(row->name, open_at(key, row->token, EXAMPLE_EXP, target), JOSE_EXPIRED);
    jose_key_free(key);
  }
}

/* A.4's payload is no JSON: it is looked at only behind a good signature. */
static void es512_verifies(void **state) {
  (void)state;
  char target[JWT_TARGET_SIZE], broken[sizeof es512_token];
  struct jose_key *key = key_of(es512_key);
  expect("A.4 ES512", open_at(key, es512_token, NOW, target), JOSE_MALFORMED);
  memcpy(broken, es512_token, sizeof broken);
  broken[sizeof broken - 20] ^= 1;
  expect("broken", open_at(key, broken, NOW, target), JOSE_FORGED);
  jose_key_free(key);
}

/* Each character matters: of header, payload and signature. */
static void a_changed_character_is_noticed(void **state) {
  (void)state;
  char target[JWT_TARGET_SIZE];
  for (size_t i = 0; i < COUNT_OF(examples); i++) {
    struct jose_key *key = key_of(examples[i].key);
    size_t len = strlen(examples[i].token), step = i == 0 ? 1 : 17;
    for (size_t at = 0; at < len; at += step) {
      char *token = strdup(examples[i].token);
      token[at] = token[at] == 'A' ? 'B' : 'A';
      enum jose_verdict verdict = open_at(key, token, EXAMPLE_EXP - 1, target);
      if (verdict == JOSE_GOOD || verdict == JOSE_CLAIMS || verdict == JOSE_EXPIRED)
        fail_msg("%s: character %zu: %s", examples[i].name, at, jwt_verdict_text(verdict));
      free(token);
    }
    jose_key_free(key);
  }
}

static void every_cut_is_noticed(void **state) {
  (void)state;
  char target[JWT_TARGET_SIZE];
  for (size_t i = 0; i < COUNT_OF(examples); i++) {
    struct jose_key *key = key_of(examples[i].key);
    char *token = strdup(examples[i].token);
    for (size_t len = strlen(token) - 1; len > 0; len -= len > 20 && i != 0 ? 19 : 1) {
      token[len] = '\0';
      enum jose_verdict verdict = open_at(key, token, EXAMPLE_EXP - 1, target);
      if (verdict != JOSE_FORGED && verdict != JOSE_MALFORMED)
        fail_msg("%s: cut at %zu: %s", examples[i].name, len, jwt_verdict_text(verdict));
    }
    free(token);
    jose_key_free(key);
  }
}

static void keys_have_their_own_algorithms(void **state) {
  (void)state;
  char target[JWT_TARGET_SIZE];
  for (size_t k = 0; k < COUNT_OF(examples); k++) {
    struct jose_key *key = key_of(examples[k].key);
    for (size_t t = 0; t < COUNT_OF(examples); t++) {
      if (t != k) expect(examples[t].name, open_at(key, examples[t].token, NOW, target), JOSE_ALGORITHM);
    }
    expect("oaep", open_at(key, oaep_token, NOW, target), JOSE_ALGORITHM);
    jose_key_free(key);
  }
}

/* RFC 7516 A.1: what is encrypted there is a sentence, so the layer by itself. */
static void oaep_opens(void **state) {
  (void)state;
  static const char sentence[] = "The true sign of intelligence is not knowledge but imagination.";
  char target[JWT_TARGET_SIZE];
  uint8_t plain[512];
  size_t len = 0;
  struct jose_key *key = key_of(oaep_key);
  struct jose_header header;
  struct jose_parts parts;
  assert_int_equal(jose_split(wsl_span_of(oaep_token), &parts), 0);
  assert_int_equal(jose_header_read(parts.part[JWE_HEADER], &header), JOSE_GOOD);
  expect("opened", jwe_open(key, &header, &parts, plain, &len), JOSE_GOOD);
  assert_int_equal(len, sizeof sentence - 1);
  assert_memory_equal(plain, sentence, len);
  expect("no signature in it", open_at(key, oaep_token, NOW, target), JOSE_MALFORMED);
  for (size_t at = 0; at < strlen(oaep_token); at += 23) {
    char *token = strdup(oaep_token);
    token[at] = token[at] == 'A' ? 'B' : 'A';
    struct wsl_span changed = wsl_span_of(token);
    if (jose_split(changed, &parts) == 0 && jose_header_read(parts.part[JWE_HEADER], &header) == JOSE_GOOD &&
        jwe_open(key, &header, &parts, plain, &len) == JOSE_GOOD)
      fail_msg("character %zu may be anything", at);
    free(token);
  }
  jose_key_free(key);
}

/* ---- tokens of our own, with a secret ---- */

#define SECRET "this is no secret: thirty-two bytes"

/* The base64url of `text` at `out`; returns its end. */
static char *put_encoded(char *out, const void *data, size_t len) {
  wsl_base64_encode((uint8_t *)out, data, len);
  out[wsl_base64_len(len)] = '\0';
  for (; *out != '\0' && *out != '='; out++)
    *out = (char)(*out == '+' ? '-' : *out == '/' ? '_' : *out);
  *out = '\0';
  return out;
}

/* The caller's to free. */
static char *sign(const char *header, const char *payload, size_t payload_len) {
  char *token = malloc(2 * (strlen(header) + payload_len) + 200);
  unsigned char mac[32];
  char *at = put_encoded(token, header, strlen(header));
  *at++ = '.';
  at = put_encoded(at, payload, payload_len);
  mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), (const unsigned char *)SECRET, strlen(SECRET),
                  (const unsigned char *)token, (size_t)(at - token), mac);
  *at++ = '.';
  put_encoded(at, mac, sizeof mac);
  return token;
}

static enum jose_verdict judge(const char *header, const char *payload, size_t len, char *target) {
  struct jose_key *key = key_of(SECRET);
  char *token = sign(header, payload, len);
  enum jose_verdict verdict = open_at(key, token, NOW, target);
  free(token);
  jose_key_free(key);
  return verdict;
}

#define HS256       "{\"alg\":\"HS256\"}"
#define TO          "\"host\":\"h\",\"port\":1"
#define TEXT(text)  (text), sizeof(text) - 1
#define CLAIMS(...) TEXT("{" __VA_ARGS__ "}")

struct claims_row {
  const char *name;
  const char *claims;
  size_t len;
  enum jose_verdict verdict;
  const char *target;
};

static const struct claims_row claims_rows[] = {
    {"plain", CLAIMS("\"host\":\"10.0.0.7\",\"port\":5900"), JOSE_GOOD, "10.0.0.7:5900"},
    {"port as text", CLAIMS("\"host\":\"a.example\",\"port\":\"5900\""), JOSE_GOOD, "a.example:5900"},
    {"IPv6", CLAIMS("\"host\":\"::1\",\"port\":5900"), JOSE_GOOD, "::1:5900"},
    {"Unix socket", CLAIMS("\"host\":\"unix_socket\",\"port\":\"/run/x\""), JOSE_GOOD, "unix_socket:/run/x"},
    {"others' claims", CLAIMS(TO ",\"iss\":\"joe\",\"aud\":[1],\"x\":{\"exp\":1}"), JOSE_GOOD, "h:1"},
    {"white space", TEXT(" \t\r\n{ " TO " }\n"), JOSE_GOOD, "h:1"},
    {"last port", CLAIMS("\"host\":\"h\",\"port\":65535"), JOSE_GOOD, "h:65535"},
    {"no host", CLAIMS("\"port\":1"), JOSE_CLAIMS, NULL},
    {"no port", CLAIMS("\"host\":\"h\""), JOSE_CLAIMS, NULL},
    {"empty host", CLAIMS("\"host\":\"\",\"port\":1"), JOSE_CLAIMS, NULL},
    {"empty port", CLAIMS("\"host\":\"h\",\"port\":\"\""), JOSE_CLAIMS, NULL},
    {"host a number", CLAIMS("\"host\":1,\"port\":1"), JOSE_CLAIMS, NULL},
    {"host a list", CLAIMS("\"host\":[\"h\"],\"port\":1"), JOSE_CLAIMS, NULL},
    {"port 0", CLAIMS("\"host\":\"h\",\"port\":0"), JOSE_CLAIMS, NULL},
    {"port -1", CLAIMS("\"host\":\"h\",\"port\":-1"), JOSE_CLAIMS, NULL},
    {"port 65536", CLAIMS("\"host\":\"h\",\"port\":65536"), JOSE_CLAIMS, NULL},
    {"port 4294967297", CLAIMS("\"host\":\"h\",\"port\":4294967297"), JOSE_CLAIMS, NULL},
    {"port 1.5", CLAIMS("\"host\":\"h\",\"port\":1.5"), JOSE_CLAIMS, NULL},
    {"port true", CLAIMS("\"host\":\"h\",\"port\":true"), JOSE_CLAIMS, NULL},
    {"port null", CLAIMS("\"host\":\"h\",\"port\":null"), JOSE_CLAIMS, NULL},
    {"NUL in host", CLAIMS("\"host\":\"h\\u0000x\",\"port\":1"), JOSE_MALFORMED, NULL},
    {"raw NUL", CLAIMS("\"host\":\"h\0x\",\"port\":1"), JOSE_MALFORMED, NULL},
    {"NUL behind a number", CLAIMS("\"host\":\"h\",\"port\":1\0"), JOSE_MALFORMED, NULL},
    {"not UTF-8", CLAIMS("\"host\":\"\xff\",\"port\":1"), JOSE_MALFORMED, NULL},
    {"half a surrogate", CLAIMS("\"host\":\"\\ud800\",\"port\":1"), JOSE_MALFORMED, NULL},
    {"host twice", CLAIMS("\"host\":\"h\"," TO), JOSE_MALFORMED, NULL},
    {"exp twice", CLAIMS("\"exp\":1,\"exp\":9999999999," TO), JOSE_MALFORMED, NULL},
    {"a list", TEXT("[" TO "]"), JOSE_MALFORMED, NULL},
    {"text", TEXT("\"h:1\""), JOSE_MALFORMED, NULL},
    {"nothing", TEXT(""), JOSE_MALFORMED, NULL},
    {"two objects", TEXT("{" TO "}{}"), JOSE_MALFORMED, NULL},
    {"exp now", CLAIMS(TO ",\"exp\":1700000000"), JOSE_EXPIRED, NULL},
    {"exp half a second ago", CLAIMS(TO ",\"exp\":1699999999.5"), JOSE_EXPIRED, NULL},
    {"exp soon", CLAIMS(TO ",\"exp\":1700000000.25"), JOSE_GOOD, "h:1"},
    {"exp in an hour", CLAIMS(TO ",\"exp\":1.7000036e9"), JOSE_GOOD, "h:1"},
    {"exp 0", CLAIMS(TO ",\"exp\":0"), JOSE_EXPIRED, NULL},
    {"exp negative", CLAIMS(TO ",\"exp\":-1"), JOSE_EXPIRED, NULL},
    {"exp far", CLAIMS(TO ",\"exp\":9223372036854775807"), JOSE_GOOD, "h:1"},
    {"exp too far", CLAIMS(TO ",\"exp\":9223372036854775808"), JOSE_MALFORMED, NULL},
    {"exp beyond numbers", CLAIMS(TO ",\"exp\":1e400"), JOSE_MALFORMED, NULL},
    {"exp NaN", CLAIMS(TO ",\"exp\":NaN"), JOSE_MALFORMED, NULL},
    {"exp Infinity", CLAIMS(TO ",\"exp\":Infinity"), JOSE_MALFORMED, NULL},
    {"exp text", CLAIMS(TO ",\"exp\":\"9999999999\""), JOSE_CLAIMS, NULL},
    {"exp true", CLAIMS(TO ",\"exp\":true"), JOSE_CLAIMS, NULL},
    {"exp null", CLAIMS(TO ",\"exp\":null"), JOSE_CLAIMS, NULL},
    {"nbf now", CLAIMS(TO ",\"nbf\":1700000000"), JOSE_GOOD, "h:1"},
    {"nbf soon", CLAIMS(TO ",\"nbf\":1700000000.5"), JOSE_TOO_EARLY, NULL},
    {"nbf text", CLAIMS(TO ",\"nbf\":\"1\""), JOSE_CLAIMS, NULL},
    {"between", CLAIMS(TO ",\"nbf\":1699999999,\"exp\":1700000001"), JOSE_GOOD, "h:1"},
};

static void claims_are_judged(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(claims_rows); i++) {
    const struct claims_row *row = &claims_rows[i];
    char target[JWT_TARGET_SIZE] = "untouched";
    expect(row->name, judge(HS256, row->claims, row->len, target), row->verdict);
    if (row->target != NULL && strcmp(target, row->target) != 0) fail_msg("%s: %s", row->name, target);
  }
}

static void a_host_may_not_be_endless(void **state) {
  (void)state;
  char claims[2000], target[JWT_TARGET_SIZE];
  for (int len = (int)JWT_TARGET_SIZE - 8; len < (int)JWT_TARGET_SIZE + 8; len++) {
    int size = snprintf(claims, sizeof claims, "{\"host\":\"%0*d\",\"port\":1}", len, 0);
    enum jose_verdict wanted = len + 2 < (int)JWT_TARGET_SIZE ? JOSE_GOOD : JOSE_CLAIMS;
    expect("long", judge(HS256, claims, (size_t)size, target), wanted);
  }
}

static const struct {
  const char *name, *header;
  enum jose_verdict verdict;
} header_rows[] = {
    {"plain", HS256, JOSE_GOOD},
    {"typ, kid, jwk and jku are nobody's",
     "{\"typ\":\"JWT\",\"kid\":\"../../k\",\"alg\":\"HS256\",\"jku\":\"http://"
     "x\",\"jwk\":{\"kty\":\"oct\",\"k\":\"\"}}",
     JOSE_GOOD},
    {"none", "{\"alg\":\"none\"}", JOSE_ALGORITHM},
    {"None", "{\"alg\":\"None\"}", JOSE_ALGORITHM},
    {"lower case", "{\"alg\":\"hs256\"}", JOSE_ALGORITHM},
    {"a blank behind", "{\"alg\":\"HS256 \"}", JOSE_ALGORITHM},
    {"longer", "{\"alg\":\"HS256xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}", JOSE_ALGORITHM},
    {"empty", "{\"alg\":\"\"}", JOSE_ALGORITHM},
    {"missing", "{}", JOSE_ALGORITHM},
    {"null", "{\"alg\":null}", JOSE_ALGORITHM},
    {"a list", "{\"alg\":[\"HS256\"]}", JOSE_ALGORITHM},
    {"RS256", "{\"alg\":\"RS256\"}", JOSE_ALGORITHM},
    {"ES256", "{\"alg\":\"ES256\"}", JOSE_ALGORITHM},
    {"dir", "{\"alg\":\"dir\",\"enc\":\"A256GCM\"}", JOSE_ALGORITHM},
    {"HS384 with a MAC of 32 bytes", "{\"alg\":\"HS384\"}", JOSE_FORGED},
    {"alg twice", "{\"alg\":\"none\",\"alg\":\"HS256\"}", JOSE_MALFORMED},
    {"alg twice, escaped", "{\"\\u0061lg\":\"none\",\"alg\":\"HS256\"}", JOSE_MALFORMED},
    {"crit", "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", JOSE_HEADER},
    {"crit empty", "{\"alg\":\"HS256\",\"crit\":[]}", JOSE_HEADER},
    {"crit null", "{\"alg\":\"HS256\",\"crit\":null}", JOSE_HEADER},
    {"zip", "{\"alg\":\"HS256\",\"zip\":\"DEF\"}", JOSE_HEADER},
    {"b64", "{\"alg\":\"HS256\",\"b64\":false}", JOSE_HEADER},
    {"b64 true", "{\"alg\":\"HS256\",\"b64\":true}", JOSE_HEADER},
    {"a list", "[]", JOSE_MALFORMED},
    {"no JSON", "HS256", JOSE_MALFORMED},
    {"more behind", HS256 " x", JOSE_MALFORMED},
};

static void headers_are_judged(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(header_rows); i++) {
    char target[JWT_TARGET_SIZE];
    expect(header_rows[i].name, judge(header_rows[i].header, CLAIMS(TO), target), header_rows[i].verdict);
  }
}

/* JSON as deep as a token is long must not take the stack. */
static void depth_is_bounded(void **state) {
  (void)state;
  char *claims = malloc(10000), target[JWT_TARGET_SIZE];
  memset(claims, '[', 10000);
  memcpy(claims, "{\"a\":", 5);
  expect("deep", judge(HS256, claims, 10000, target), JOSE_MALFORMED);
  free(claims);
}

/* The bytes of a public key are known to all: no token that was signed with them is anything. */
static void a_public_key_is_no_secret(void **state) {
  (void)state;
  char target[JWT_TARGET_SIZE];
  char token[400];
  unsigned char mac[32];
  struct jose_key *key = key_of(rs256_key);
  char *at = put_encoded(token, HS256, strlen(HS256));
  *at++ = '.';
  at = put_encoded(at, "{" TO "}", strlen("{" TO "}"));
  mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), (const unsigned char *)rs256_key,
                  strlen(rs256_key), (const unsigned char *)token, (size_t)(at - token), mac);
  *at++ = '.';
  put_encoded(at, mac, sizeof mac);
  expect("confused", open_at(key, token, NOW, target), JOSE_ALGORITHM);
  jose_key_free(key);
}

/* r = s = 0 fits every key and message where nobody looks (CVE-2022-21449). */
static void signatures_of_zeros_are_forged(void **state) {
  (void)state;
  char target[JWT_TARGET_SIZE], token[sizeof es256_token];
  struct jose_key *key = key_of(es256_key);
  strcpy(token, es256_token);
  memset(strrchr(token, '.') + 1, 'A', 86);
  expect("zeros", open_at(key, token, EXAMPLE_EXP - 1, target), JOSE_FORGED);
  jose_key_free(key);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(examples_verify),
      cmocka_unit_test(es512_verifies),
      cmocka_unit_test(a_changed_character_is_noticed),
      cmocka_unit_test(every_cut_is_noticed),
      cmocka_unit_test(keys_have_their_own_algorithms),
      cmocka_unit_test(oaep_opens),
      cmocka_unit_test(claims_are_judged),
      cmocka_unit_test(a_host_may_not_be_endless),
      cmocka_unit_test(headers_are_judged),
      cmocka_unit_test(depth_is_bounded),
      cmocka_unit_test(a_public_key_is_no_secret),
      cmocka_unit_test(signatures_of_zeros_are_forged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
