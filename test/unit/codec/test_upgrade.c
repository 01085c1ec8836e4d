/* The WebSocket upgrade (RFC 6455 4.2): what makes one, what is refused and how, what we answer. */
#include "request_support.h"

#define KEY      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION  "Sec-WebSocket-Version: 13\r\n"
#define WANTS    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define COMPLETE WANTS KEY VERSION
#define GET      "GET /chat HTTP/1.1\r\nHost: server.example.com\r\n"

static const char *const mqtt_and_base64[] = {"mqtt", "base64"};
static const struct wsl_subprotocols none = {NULL, 0};
static const struct wsl_subprotocols mqtt = {mqtt_and_base64, 1};
static const struct wsl_subprotocols both = {mqtt_and_base64, 2};

static struct parsed read_head(const char *head, const struct wsl_subprotocols *configured) {
  char text[1000];
  snprintf(text, sizeof(text), "%s\r\n", head);
  return request_from(text, configured);
}

/* RFC 6455 1.2 and 1.3: the key of the example, its answer. */
static void example_of_the_rfc(void **state) {
  (void)state;
  struct parsed p = read_head(
      "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\n" KEY
      "Origin: http://example.com\r\n"
      "Sec-WebSocket-Protocol: chat, superchat\r\n" VERSION,
      &none);
  assert_int_equal(p.request.kind, WSL_REQUEST_UPGRADE);
  assert_string_equal(p.request.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  assert_true(span_is(p.request.subprotocol, "chat"));
  assert_true(span_is(p.request.path, "/chat"));
  assert_true(span_is(p.request.origin, "http://example.com"));
  free(p.text);
}

struct kind_row {
  const char *name;
  const char *head;
  enum wsl_request_kind kind;
};

static const struct kind_row kind_rows[] = {
    {"complete", GET COMPLETE, WSL_REQUEST_UPGRADE},
    {"any case", GET "UPGRADE: WebSocket\r\nconnection: UPGRADE\r\n" KEY VERSION, WSL_REQUEST_UPGRADE},
    {"Connection list", GET "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" KEY VERSION,
     WSL_REQUEST_UPGRADE},
    {"Connection on two lines",
     GET "Upgrade: websocket\r\nConnection: keep-alive\r\nConnection: upgrade\r\n" KEY VERSION,
     WSL_REQUEST_UPGRADE},
    {"Upgrade list", GET "Upgrade: h2c, websocket\r\nConnection: Upgrade\r\n" KEY VERSION,
     WSL_REQUEST_UPGRADE},
    {"Upgrade on two lines", GET "Upgrade: h2c\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" KEY VERSION,
     WSL_REQUEST_UPGRADE},
    {"length 0", GET COMPLETE "Content-Length: 0\r\n", WSL_REQUEST_UPGRADE},
    {"length 00", GET COMPLETE "Content-Length: 00\r\n", WSL_REQUEST_UPGRADE},
    {"absolute target", "GET ws://h/ HTTP/1.1\r\nHost: h\r\n" COMPLETE, WSL_REQUEST_UPGRADE},
    {"extensions", GET COMPLETE "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
     WSL_REQUEST_UPGRADE},
    {"malformed extensions", GET COMPLETE "Sec-WebSocket-Extensions: ;=\"\r\n", WSL_REQUEST_UPGRADE},
    {"the key of RFC 6455 4.1, with loose last bits",
     GET WANTS VERSION "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC==\r\n", WSL_REQUEST_UPGRADE},
    {"plain", GET, WSL_REQUEST_PLAIN},
    {"upgrade to something else", GET "Upgrade: h2c\r\nConnection: Upgrade\r\n", WSL_REQUEST_PLAIN},
    {"word that holds websocket", GET "Upgrade: websockets\r\nConnection: Upgrade\r\n", WSL_REQUEST_PLAIN},
    {"other Sec-WebSocket fields only", GET "Sec-WebSocket-Protocol: a\r\n", WSL_REQUEST_PLAIN},
    {"HTTP/1.0", "GET / HTTP/1.0\r\nHost: h\r\n" COMPLETE, WSL_REQUEST_PLAIN},
    {"HTTP/1.0, broken", "GET / HTTP/1.0\r\nHost: h\r\n" WANTS, WSL_REQUEST_PLAIN},
};

static void what_makes_an_upgrade(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(kind_rows); i++) {
    struct parsed p = read_head(kind_rows[i].head, &none);
    if (p.request.kind != kind_rows[i].kind) {
      fail_msg("%s: kind %d (%s)", kind_rows[i].name, (int)p.request.kind, p.request.reason);
    }
    assert_int_equal(p.request.subprotocol.len, 0);
    free(p.text);
  }
}

struct refusal_row {
  const char *name;
  const char *head;
  uint16_t status;
  bool offer_version;
  const char *reason_names;
};

#define UNVERSIONED GET WANTS KEY
#define KEYLESS     GET WANTS VERSION

static const struct refusal_row refusal_rows[] = {
    {"POST", "POST / HTTP/1.1\r\nHost: h\r\n" COMPLETE, 405, false, "GET"},
    {"HEAD, all else missing", "HEAD / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n", 405, false, "GET"},
    {"get in small letters", "get / HTTP/1.1\r\nHost: h\r\n" COMPLETE, 405, false, "GET"},
    {"CONNECT", "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n" COMPLETE, 405, false, "GET"},
    {"no Host", "GET / HTTP/1.1\r\n" COMPLETE, 400, false, "Host"},
    {"no Upgrade", GET "Connection: Upgrade\r\n" KEY VERSION, 400, false, "Upgrade"},
    {"Upgrade to another protocol", GET "Connection: Upgrade\r\nUpgrade: h2c\r\n" KEY, 400, false, "Upgrade"},
    {"Upgrade missing, version wrong", GET "Connection: Upgrade\r\nSec-WebSocket-Version: 8\r\n", 400, false,
     "Upgrade"},
    {"no Connection", GET "Upgrade: websocket\r\n" KEY VERSION, 400, false, "Connection"},
    {"Connection without Upgrade", GET "Upgrade: websocket\r\nConnection: keep-alive\r\n" KEY VERSION, 400,
     false, "Connection"},
    {"Connection with a longer word", GET "Upgrade: websocket\r\nConnection: upgrades\r\n" KEY VERSION, 400,
     false, "Connection"},
    {"no version", UNVERSIONED, 426, true, "Sec-WebSocket-Version"},
    {"no version, no key", GET WANTS, 426, true, "Sec-WebSocket-Version"},
    {"version 8", UNVERSIONED "Sec-WebSocket-Version: 8\r\n", 426, true, "Sec-WebSocket-Version"},
    {"version 0", UNVERSIONED "Sec-WebSocket-Version: 0\r\n", 426, true, "Sec-WebSocket-Version"},
    {"version 255", UNVERSIONED "Sec-WebSocket-Version: 255\r\n", 426, true, "Sec-WebSocket-Version"},
    {"version 256", UNVERSIONED "Sec-WebSocket-Version: 256\r\n", 400, true, "Sec-WebSocket-Version"},
    {"version 1300", UNVERSIONED "Sec-WebSocket-Version: 1300\r\n", 400, true, "Sec-WebSocket-Version"},
    {"version 013", UNVERSIONED "Sec-WebSocket-Version: 013\r\n", 400, true, "Sec-WebSocket-Version"},
    {"version 13.0", UNVERSIONED "Sec-WebSocket-Version: 13.0\r\n", 400, true, "Sec-WebSocket-Version"},
    {"version +13", UNVERSIONED "Sec-WebSocket-Version: +13\r\n", 400, true, "Sec-WebSocket-Version"},
    {"version list", UNVERSIONED "Sec-WebSocket-Version: 13, 8\r\n", 400, true, "Sec-WebSocket-Version"},
    {"empty version", UNVERSIONED "Sec-WebSocket-Version:\r\n", 400, true, "Sec-WebSocket-Version"},
    {"version twice", UNVERSIONED VERSION VERSION, 400, true, "Sec-WebSocket-Version"},
    {"no key", KEYLESS, 400, false, "Sec-WebSocket-Key"},
    {"key twice", KEYLESS KEY KEY, 400, false, "Sec-WebSocket-Key"},
    {"empty key", KEYLESS "Sec-WebSocket-Key:\r\n", 400, false, "Sec-WebSocket-Key"},
    {"key of 15 bytes", KEYLESS "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n", 400, false,
     "Sec-WebSocket-Key"},
    {"key of 17 bytes", KEYLESS "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZXM=\r\n", 400, false,
     "Sec-WebSocket-Key"},
    {"key of 18 bytes", KEYLESS "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZXMh\r\n", 400, false,
     "Sec-WebSocket-Key"},
    {"key without padding", KEYLESS "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n", 400, false,
     "Sec-WebSocket-Key"},
    {"key in base64url", KEYLESS "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25_ZQ==\r\n", 400, false,
     "Sec-WebSocket-Key"},
    {"key with = inside", KEYLESS "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ===\r\n", 400, false,
     "Sec-WebSocket-Key"},
    {"key with text behind", KEYLESS "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==x\r\n", 400, false,
     "Sec-WebSocket-Key"},
    {"two origins", GET COMPLETE "Origin: http://a\r\nOrigin: http://a\r\n", 400, false, "Origin"},
    {"body", GET COMPLETE "Content-Length: 5\r\n", 400, false, "body"},
    {"two lengths of 0", GET COMPLETE "Content-Length: 0\r\nContent-Length: 0\r\n", 400, false, "body"},
    {"two lengths of 0 in a list", GET COMPLETE "Content-Length: 0, 0\r\n", 400, false, "body"},
    {"chunked", GET COMPLETE "Transfer-Encoding: chunked\r\n", 400, false, "body"},
    {"empty subprotocol list", GET COMPLETE "Sec-WebSocket-Protocol:\r\n", 400, false,
     "Sec-WebSocket-Protocol"},
    {"subprotocols of commas", GET COMPLETE "Sec-WebSocket-Protocol: , ,\r\n", 400, false,
     "Sec-WebSocket-Protocol"},
    {"subprotocol with a space", GET COMPLETE "Sec-WebSocket-Protocol: binary, a b\r\n", 400, false,
     "Sec-WebSocket-Protocol"},
    {"bad subprotocols before a good one", GET COMPLETE "Sec-WebSocket-Protocol: a b, c d, binary\r\n", 400,
     false, "Sec-WebSocket-Protocol"},
    {"subprotocol with a slash", GET COMPLETE "Sec-WebSocket-Protocol: a/b\r\n", 400, false,
     "Sec-WebSocket-Protocol"},
    {"bad subprotocol on the second line",
     GET COMPLETE "Sec-WebSocket-Protocol: binary\r\nSec-WebSocket-Protocol: \"x\"\r\n", 400, false,
     "Sec-WebSocket-Protocol"},
};

static void refusals(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(refusal_rows); i++) {
    const struct refusal_row *row = &refusal_rows[i];
    struct parsed p = read_head(row->head, &none);
    if (p.request.kind != WSL_REQUEST_REFUSED || p.request.status != row->status ||
        p.request.offer_version != row->offer_version) {
      fail_msg("%s: kind %d, status %u, offer %d", row->name, (int)p.request.kind, p.request.status,
               (int)p.request.offer_version);
    }
    if (!strstr(p.request.reason, row->reason_names)) fail_msg("%s: \"%s\"", row->name, p.request.reason);
    bool says_allow = p.request.allow && strcmp(p.request.allow, "GET") == 0;
    if (says_allow != (row->status == 405)) fail_msg("%s: Allow is wrong", row->name);
    assert_int_equal(p.request.subprotocol.len, 0);
    assert_false(p.request.keep_alive);
    free(p.text);
  }
}

static bool is_base64_at(size_t place, unsigned byte) {
  if (place >= 22) return byte == '=';
  return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
         byte == '+' || byte == '/';
}

/* Those that may stand in a value at all, but for blanks, which are trimmed. */
static void every_byte_at_every_place_of_a_key(void **state) {
  (void)state;
  static const char key_name[] = "Sec-WebSocket-Key: ";
  for (unsigned byte = 0x21; byte < 256; byte++) {
    if (byte == 0x7F) continue;
    for (size_t place = 0; place < 24; place++) {
      char head[300] = KEYLESS KEY;
      char *key = strstr(head, key_name) + strlen(key_name);
      key[place] = (char)byte;
      struct parsed p = read_head(head, &none);
      bool taken = p.request.kind == WSL_REQUEST_UPGRADE;
      if (taken != is_base64_at(place, byte)) fail_msg("%02x at %zu: %d", byte, place, (int)taken);
      free(p.text);
    }
  }
}

struct subprotocol_row {
  const char *name;
  const char *fields;
  const struct wsl_subprotocols *configured;
  const char *chosen;
};

static const struct subprotocol_row subprotocol_rows[] = {
    {"none offered", "", &both, ""},
    {"the first", "Sec-WebSocket-Protocol: a, b\r\n", &none, "a"},
    {"binary, last of all", "Sec-WebSocket-Protocol: mqtt, a\r\nSec-WebSocket-Protocol: binary\r\n", &both,
     "binary"},
    {"configured before the first", "Sec-WebSocket-Protocol: a, mqtt\r\n", &mqtt, "mqtt"},
    {"first of two configured", "Sec-WebSocket-Protocol: a, base64, mqtt\r\n", &both, "base64"},
    {"base64 passed over", "Sec-WebSocket-Protocol: base64, a\r\n", &none, "a"},
    {"base64 alone", "Sec-WebSocket-Protocol: base64\r\n", &none, "base64"},
    {"base64 configured", "Sec-WebSocket-Protocol: base64\r\n", &both, "base64"},
    {"case matters", "Sec-WebSocket-Protocol: a, MQTT, Binary\r\n", &mqtt, "a"},
    {"empty elements", "Sec-WebSocket-Protocol: , ,a,\r\n", &none, "a"},
    {"empty line and a full one", "Sec-WebSocket-Protocol:\r\nSec-WebSocket-Protocol: a\r\n", &none, "a"},
};

static void choice_of_a_subprotocol(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(subprotocol_rows); i++) {
    const struct subprotocol_row *row = &subprotocol_rows[i];
    char head[600];
    snprintf(head, sizeof(head), GET COMPLETE "%s", row->fields);
    struct parsed p = read_head(head, row->configured);
    if (p.request.kind != WSL_REQUEST_UPGRADE) fail_msg("%s: %s", row->name, p.request.reason);
    if (!span_is(p.request.subprotocol, row->chosen)) {
      fail_msg("%s: %.*s", row->name, (int)p.request.subprotocol.len, p.request.subprotocol.at);
    }
    free(p.text);
  }
}

/* The answer fits exactly its length and nothing less. */
static void check_answer(const char *fields, const char *expected) {
  char head[600];
  snprintf(head, sizeof(head), GET COMPLETE "%s", fields);
  struct parsed p = read_head(head, &none);
  size_t len = strlen(expected);
  for (size_t cap = 0; cap <= len; cap++) {
    char *out = exact_alloc(cap);
    assert_int_equal(wsl_upgrade_answer(&p.request, out, cap), cap == len ? len : 0);
    if (cap == len) assert_memory_equal(out, expected, len);
    free(out);
  }
  free(p.text);
}

static void answers(void **state) {
  (void)state;
#define ANSWER                                                                        \
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
  check_answer("", ANSWER "\r\n");
  check_answer("Sec-WebSocket-Protocol: binary\r\n", ANSWER "Sec-WebSocket-Protocol: binary\r\n\r\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(example_of_the_rfc),
      cmocka_unit_test(what_makes_an_upgrade),
      cmocka_unit_test(refusals),
      cmocka_unit_test(every_byte_at_every_place_of_a_key),
      cmocka_unit_test(choice_of_a_subprotocol),
      cmocka_unit_test(answers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
