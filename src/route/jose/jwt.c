/* See route/jose/jwt.h. */
#include "route/jose/jwt.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "route/jose/header.h"
#include "route/jose/jwe.h"
#include "route/jose/jws.h"

#define PORT_MAX 65535

/* ---- claims ---- */

/* A NumericDate (RFC 7519 2): seconds since 1970, fractions allowed. False: there, but no number. */
static bool claim_time(const json_t *claims, const char *name, bool *there, double *seconds) {
  const json_t *value = json_object_get(claims, name);
  *there = value != NULL;
  *seconds = json_number_value(value);
  return value == NULL || json_is_number(value);
}

static enum jose_verdict check_times(const json_t *claims, double now) {
  bool has_nbf, has_exp;
  double nbf, exp;
  if (!claim_time(claims, "nbf", &has_nbf, &nbf) || !claim_time(claims, "exp", &has_exp, &exp))
    return JOSE_CLAIMS;
  if (has_nbf && now < nbf) return JOSE_TOO_EARLY;
  return has_exp && now >= exp ? JOSE_EXPIRED : JOSE_GOOD;
}

/* The port is a whole number, or text as websockify passes it on: "unix_socket" has a path there. */
static enum jose_verdict take_target(const json_t *claims, char target[JWT_TARGET_SIZE]) {
  const json_t *host = json_object_get(claims, "host"), *port = json_object_get(claims, "port");
  struct text text;
  text_init(&text, target, JWT_TARGET_SIZE);
  if (json_string_length(host) == 0) return JOSE_CLAIMS;
  text_span(&text, (struct wsl_span){json_string_value(host), json_string_length(host)});
  text_string(&text, ":");
  if (json_is_integer(port)) {
    json_int_t number = json_integer_value(port);
    if (number < 1 || number > PORT_MAX) return JOSE_CLAIMS;
    text_unsigned(&text, (uint64_t)number);
  } else {
    if (json_string_length(port) == 0) return JOSE_CLAIMS;
    text_span(&text, (struct wsl_span){json_string_value(port), json_string_length(port)});
  }
  return text.overflow ? JOSE_CLAIMS : JOSE_GOOD;
}

static enum jose_verdict read_claims(struct wsl_span encoded, double now, char target[JWT_TARGET_SIZE]) {
  size_t len;
  uint8_t *text = malloc(base64url_room(encoded.len));
  if (text == NULL) return JOSE_NO_MEMORY;
  enum jose_verdict verdict = JOSE_MALFORMED;
  if (base64url_decode(encoded, BASE64URL_TAIL_ZERO, text, &len) == 0) {
    json_t *claims = jose_json((struct wsl_span){(const char *)text, len}, &verdict);
    if (claims != NULL) verdict = check_times(claims, now);
    if (verdict == JOSE_GOOD) verdict = take_target(claims, target);
    json_decref(claims);
  }
  free(text);
  return verdict;
}

/* ---- layers ---- */

/* The claims are looked at only once the signature is known to be good. */
static enum jose_verdict open_signed(const struct jose_key *key, const struct jose_parts *parts, double now,
                                     char target[JWT_TARGET_SIZE]) {
  struct jose_header header;
  enum jose_verdict verdict = jose_header_read(parts->part[JWS_HEADER], &header);
  if (verdict == JOSE_GOOD) verdict = jws_verify(key, &header, parts);
  return verdict == JOSE_GOOD ? read_claims(parts->part[JWS_PAYLOAD], now, target) : verdict;
}

/* Whoever knows a public key can encrypt: only a signature inside says who did, so nothing else may be
 * there (websockify takes claims that were encrypted twice and never signed). */
static enum jose_verdict open_inner(const struct jose_key *key, struct wsl_span token, double now,
                                    char target[JWT_TARGET_SIZE]) {
  struct jose_parts parts;
  if (jose_split(token, &parts) != 0 || parts.count != JWS_PARTS) return JOSE_MALFORMED;
  return open_signed(key, &parts, now, target);
}

static enum jose_verdict open_encrypted(const struct jose_key *key, const struct jose_parts *parts,
                                        double now, char target[JWT_TARGET_SIZE]) {
  struct jose_header header;
  enum jose_verdict verdict = jose_header_read(parts->part[JWE_HEADER], &header);
  if (verdict != JOSE_GOOD) return verdict;
  size_t room = base64url_room(parts->part[JWE_CIPHERTEXT].len), len = 0;
  uint8_t *plain = malloc(room);
  if (plain == NULL) return JOSE_NO_MEMORY;
  verdict = jwe_open(key, &header, parts, plain, &len);
  if (verdict == JOSE_GOOD)
    verdict = open_inner(key, (struct wsl_span){(const char *)plain, len}, now, target);
  explicit_bzero(plain, room);
  free(plain);
  return verdict;
}

enum jose_verdict jwt_open(const struct jose_key *key, struct wsl_span token, double now,
                           char target[JWT_TARGET_SIZE]) {
  struct jose_parts parts;
  if (jose_split(token, &parts) != 0) return JOSE_MALFORMED;
  return parts.count == JWE_PARTS ? open_encrypted(key, &parts, now, target)
                                  : open_signed(key, &parts, now, target);
}

const char *jwt_verdict_text(enum jose_verdict verdict) {
  switch (verdict) {
    case JOSE_GOOD:
      return "good";
    case JOSE_MALFORMED:
      return "not a token of this kind";
    case JOSE_HEADER:
      return "its header requires something unsupported (crit, zip or b64)";
    case JOSE_ALGORITHM:
      return "its algorithm does not go with the key";
    case JOSE_FORGED:
      return "it was not made with this key";
    case JOSE_CLAIMS:
      return "host, port, nbf or exp is missing or wrong in it";
    case JOSE_TOO_EARLY:
      return "it is not valid yet";
    case JOSE_EXPIRED:
      return "it has expired";
    case JOSE_NO_MEMORY:
      break;
  }
  return "no memory";
}
