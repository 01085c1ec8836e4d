/* Drafts of request heads (opening_draft.h): the fields of a WebSocket upgrade (RFC 6455 4.1). */
#include "opening_accept.h"
#include "opening_draft.h"

#define BASE64_BYTES LETTERS DIGITS "+/"
#define KEY_DIGITS   22u
#define KEY_LEN      24u
#define OFFERS_MAX   5u

/* ---- Upgrade ---- */

static void add_protocols(struct draft *d, bool websocket) {
  static const char *const others[] = {"h2c",     "foo/2",        "websocket2", "websocke",
                                       "TLS/1.0", "websocket/13", "xwebsocket", "web socket"};
  struct wsl_span elements[4];
  size_t count = 0, at = random_below(d->random, 3);
  size_t want = between(d->random, 0, 3);
  for (size_t i = 0; i < want || (websocket && i <= at); i++) {
    if (websocket && i == at)
      elements[count++] = written_in_some_case(&d->text, d->random, "websocket");
    else
      elements[count++] = written(&d->text, ONE_OF(d->random, others));
  }
  draft_add_list(d, "Upgrade", elements, count, LIST_LOOSE);
}

/* ---- version ---- */

static void add_other_version(struct draft *d) {
  size_t version = between(d->random, 0, 254);
  if (version >= 13) version++;
  static const unsigned char common[] = {0, 8, 12, 255};
  if (one_in(d->random, 2)) version = ONE_OF(d->random, common);
  size_t from = d->text.len;
  if (version >= 100) text_byte(&d->text, (char)('0' + version / 100));
  if (version >= 10) text_byte(&d->text, (char)('0' + version / 10 % 10));
  text_byte(&d->text, (char)('0' + version % 10));
  draft_add(d, "Sec-WebSocket-Version", text_since(&d->text, from));
}

static void draw_version_field(struct draft *d) {
  static const char *const no_number[] = {"",    "013",  "13.0",  "+13",  "13, 8", "1 3", "256",
                                          "300", "999",  "00",    "0x0d", "13a",   "-1",  "08",
                                          ":",   "1000", "00013", "1/",   "a",     "13;", "4294967309"};
  switch (d->broken) {
    case VERSION_MISSING:
      break;
    case VERSION_TWICE:
      draft_add_words(d, "Sec-WebSocket-Version", "13");
      draft_add_words(d, "Sec-WebSocket-Version", one_in(d->random, 2) ? "13" : "8");
      break;
    case VERSION_NO_NUMBER:
      draft_add_words(d, "Sec-WebSocket-Version", ONE_OF(d->random, no_number));
      break;
    case VERSION_OTHER:
      add_other_version(d);
      break;
    default:
      draft_add_words(d, "Sec-WebSocket-Version", "13");
      break;
  }
}

/* ---- key ---- */

static struct wsl_span draw_key(struct draft *d) {
  size_t from = d->text.len;
  text_run(&d->text, d->random, BASE64_BYTES, KEY_DIGITS);
  text_words(&d->text, "==");
  return text_since(&d->text, from);
}

/* A key but for one thing. */
static struct wsl_span draw_bad_key(struct draft *d) {
  struct wsl_span key = draw_key(d);
  char *bytes = d->text.bytes + (key.at - d->text.bytes);
  switch (random_below(d->random, 7)) {
    case 0: /* one that is no digit, not at the ends: white space there would be none of the value's */
      bytes[between(d->random, 1, KEY_DIGITS - 1)] = byte_of(d->random, "=-_ .,@[`{:*\x80\xc1\xff");
      return key;
    case 1:
      bytes[0] = byte_of(d->random, "=-_.@[`{:");
      return key;
    case 2:
      bytes[KEY_DIGITS] = byte_of(d->random, BASE64_BYTES);
      return key;
    case 3:
      bytes[KEY_DIGITS + 1] = byte_of(d->random, BASE64_BYTES);
      return key;
    case 4: /* too short */
      return (struct wsl_span){key.at + 1, between(d->random, 0, KEY_LEN - 1)};
    case 5: /* 17 or 18 bytes would be "=" or "" */
      text_words(&d->text, one_in(d->random, 2) ? "=" : "A===");
      return text_since(&d->text, (size_t)(key.at - d->text.bytes));
    default:
      return (struct wsl_span){key.at, KEY_DIGITS};
  }
}

static void draw_key_field(struct draft *d) {
  if (d->broken == KEY_MISSING) return;
  struct wsl_span key = d->broken == KEY_BAD ? draw_bad_key(d) : draw_key(d);
  draft_add(d, "Sec-WebSocket-Key", key);
  if (d->broken == KEY_TWICE) draft_add(d, "Sec-WebSocket-Key", one_in(d->random, 2) ? key : draw_key(d));
  if (d->upgrades && d->broken == RULE_NONE) accept_of(key, d->meaning.accept);
}

/* ---- subprotocol ---- */

static bool is_configured(const struct draft *d, struct wsl_span name) {
  for (size_t i = 0; i < d->configured_count; i++)
    if (wsl_span_equal(wsl_span_of(d->configured[i]), name)) return true;
  return false;
}

/* "binary", else the first that is configured, else the first that is not "base64", else that. */
static struct wsl_span choice(const struct draft *d, const struct wsl_span *offers, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (wsl_span_equal(offers[i], wsl_span_of("binary"))) return offers[i];
  for (size_t i = 0; i < count; i++)
    if (is_configured(d, offers[i])) return offers[i];
  for (size_t i = 0; i < count; i++)
    if (!wsl_span_equal(offers[i], wsl_span_of("base64"))) return offers[i];
  return count > 0 ? offers[0] : (struct wsl_span){NULL, 0};
}

static const char *const subprotocols[] = {"binary", "base64",  "base64", "chat",     "mqtt",
                                           "Binary", "binary2", "Base64", "v10.stomp"};

static struct wsl_span draw_bad_offer(struct draft *d) {
  size_t from = d->text.len;
  text_byte(&d->text, 'a');
  char byte;
  do /* may stand in a value, and not in a token, and separates nothing */
    byte = byte_not_of(d->random, TOKEN_BYTES ",\x7f");
  while ((unsigned char)byte < ' ');
  text_byte(&d->text, byte);
  text_byte(&d->text, 'b');
  return text_since(&d->text, from);
}

static void draw_offers(struct draft *d) {
  struct wsl_span offers[OFFERS_MAX];
  size_t count = between(d->random, 0, OFFERS_MAX);
  for (size_t i = 0; i < count; i++) {
    size_t from = d->text.len;
    text_run(&d->text, d->random, TOKEN_BYTES, between(d->random, 1, 6));
    offers[i] = text_since(&d->text, from);
    if (!one_in(d->random, 6)) offers[i] = wsl_span_of(ONE_OF(d->random, subprotocols));
  }
  if (d->broken == PROTOCOL_BAD && (count == 0 || one_in(d->random, 4))) {
    draft_add_words(d, "Sec-WebSocket-Protocol", one_in(d->random, 2) ? "" : ", ,");
    return;
  }
  if (d->broken == PROTOCOL_BAD) offers[random_below(d->random, (uint32_t)count)] = draw_bad_offer(d);
  draft_add_list(d, "Sec-WebSocket-Protocol", offers, count, LIST_LOOSE);
  if (d->upgrades && d->broken == RULE_NONE) d->meaning.subprotocol = choice(d, offers, count);
}

/* ---- the whole ---- */

static void draw_configured(struct draft *d) {
  size_t count = between(d->random, 0, DRAFT_CONFIGURED_MAX);
  for (size_t i = 0; i < count; i++)
    d->configured[i] = ONE_OF(d->random, subprotocols);
  d->configured_count = count;
}

/* One field says that the client means to upgrade, and so it is told that the others are missing. */
static void draw_half(struct draft *d) {
  switch (random_below(d->random, 3)) {
    case 0:
      add_protocols(d, true);
      break;
    case 1:
      draw_key_field(d);
      break;
    default:
      draw_version_field(d);
      break;
  }
}

/* What has no meaning without an attempt. */
static void draw_no_attempt(struct draft *d) {
  if (one_in(d->random, 4)) add_protocols(d, false);
  if (one_in(d->random, 8)) draw_offers(d);
}

void draft_draw_upgrade(struct draft *d) {
  draw_configured(d);
  bool ignored = !d->upgrades && d->minor_version == 0 && one_in(d->random, 2); /* RFC 9110 7.8 */
  if (!d->upgrades && !ignored) {
    draw_no_attempt(d);
  } else if (d->broken == UPGRADE_BY_HALVES) {
    draw_half(d);
  } else {
    add_protocols(d, d->broken != UPGRADE_NOT_WEBSOCKET);
    draw_version_field(d);
    draw_key_field(d);
    draw_offers(d);
  }
}
