/* See codec/text/proxy_protocol.h. */
#include "codec/text/proxy_protocol.h"

#include <assert.h>

#include "core/ip_text.h"
#include "core/parse.h"
#include "core/text.h"

/* Longest line of version 1, line end included. */
#define V1_LINE_MAX 107u

static const char v1_word[] = "PROXY ";
static const uint8_t v2_signature[] = {'\r', '\n', '\r', '\n', '\0', '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};

#define V1_WORD_LEN (sizeof v1_word - 1)

/* Version 2's fixed part: signature, version and command, family and protocol, length of the rest. */
#define V2_COMMAND_AT 12u
#define V2_FAMILY_AT  13u
#define V2_LENGTH_AT  14u
#define V2_FIXED_LEN  16u
#define V2_VERSION    0x20u
#define V2_LOCAL      0u
#define V2_PROXY      1u
#define V2_TCP4       0x11u
#define V2_TCP6       0x21u
#define V2_FAMILY_MAX 3u /* AF_UNIX */
#define V2_PROTO_MAX  2u /* datagrams */

static enum ip_version version_of(enum proxy_family family) {
  return family == PROXY_IPV4 ? IP_V4 : IP_V6;
}

static size_t host_len(enum proxy_family family) {
  return ip_len(version_of(family));
}

/* ---- writing ---- */

static size_t encode_v1(const struct proxy_header *header, uint8_t out[PROXY_ENCODED_MAX]) {
  char buffer[PROXY_ENCODED_MAX + 1], source[IP_TEXT_MAX], destination[IP_TEXT_MAX];
  struct text line;
  text_init(&line, buffer, sizeof buffer);
  if (header->family == PROXY_NOBODY) {
    text_string(&line, "PROXY UNKNOWN\r\n");
  } else {
    enum ip_version version = version_of(header->family);
    text_format(&line, "PROXY TCP%d %s %s %u %u\r\n", (int)version,
                ip_write(version, header->source.host, source),
                ip_write(version, header->destination.host, destination), (unsigned)header->source.port,
                (unsigned)header->destination.port);
  }
  assert(!line.overflow);
  memcpy(out, buffer, line.len);
  return line.len;
}

static uint8_t *put(uint8_t *at, const void *bytes, size_t len) {
  memcpy(at, bytes, len);
  return at + len;
}

static uint8_t *put_16(uint8_t *at, size_t number) {
  at[0] = (uint8_t)(number >> 8);
  at[1] = (uint8_t)number;
  return at + 2;
}

static size_t encode_v2(const struct proxy_header *header, uint8_t out[PROXY_ENCODED_MAX]) {
  bool nobody = header->family == PROXY_NOBODY;
  size_t len = nobody ? 0 : host_len(header->family);
  uint8_t *at = put(out, v2_signature, sizeof v2_signature);
  *at++ = (uint8_t)(V2_VERSION | (nobody ? V2_LOCAL : V2_PROXY));
  *at++ = (uint8_t)(nobody ? 0 : header->family == PROXY_IPV4 ? V2_TCP4 : V2_TCP6);
  at = put_16(at, nobody ? 0 : 2 * len + 4);
  if (nobody) return (size_t)(at - out);
  at = put(at, header->source.host, len);
  at = put(at, header->destination.host, len);
  at = put_16(at, header->source.port);
  return (size_t)(put_16(at, header->destination.port) - out);
}

size_t proxy_encode(enum proxy_version version, const struct proxy_header *header,
                    uint8_t out[PROXY_ENCODED_MAX]) {
  return version == PROXY_V1 ? encode_v1(header, out) : encode_v2(header, out);
}

/* ---- reading version 1 ---- */

static enum proxy_result bad(const char **why, const char *sentence) {
  *why = sentence;
  return PROXY_BAD;
}

/* The next word of the line, up to one blank, which is taken too. */
static struct wsl_span next_word(struct wsl_span *rest) {
  const char *blank = rest->len > 0 ? memchr(rest->at, ' ', rest->len) : NULL;
  struct wsl_span word = {rest->at, blank != NULL ? (size_t)(blank - rest->at) : rest->len};
  size_t taken = word.len + (blank != NULL ? 1 : 0);
  *rest = (struct wsl_span){rest->at + taken, rest->len - taken};
  return word;
}

static bool read_port(struct wsl_span word, struct proxy_end *end) {
  uint64_t port;
  bool has_zero_in_front = word.len > 1 && word.at[0] == '0';
  if (has_zero_in_front || !parse_digits(word, UINT16_MAX, &port)) return false;
  end->port = (uint16_t)port;
  return true;
}

/* Behind "PROXY ", without the line end. */
static enum proxy_result read_line(struct wsl_span line, struct proxy_header *header, const char **why) {
  struct wsl_span family = next_word(&line);
  if (wsl_span_equal(family, wsl_span_of("UNKNOWN"))) return PROXY_DONE; /* whatever follows is ignored */
  bool is_v4 = wsl_span_equal(family, wsl_span_of("TCP4"));
  if (!is_v4 && !wsl_span_equal(family, wsl_span_of("TCP6")))
    return bad(why, "the family of a PROXY line is TCP4, TCP6 or UNKNOWN");
  header->family = is_v4 ? PROXY_IPV4 : PROXY_IPV6;
  enum ip_version version = version_of(header->family);
  if (!ip_read(version, next_word(&line), header->source.host) ||
      !ip_read(version, next_word(&line), header->destination.host))
    return bad(why, "an address of the PROXY line can't be read");
  if (!read_port(next_word(&line), &header->source) || !read_port(line, &header->destination))
    return bad(why, "a port of the PROXY line can't be read");
  return PROXY_DONE;
}

static enum proxy_result decode_v1(struct wsl_span bytes, struct proxy_header *header, size_t *taken,
                                   const char **why) {
  size_t len = bytes.len < V1_LINE_MAX ? bytes.len : V1_LINE_MAX;
  const char *end = memchr(bytes.at, '\n', len);
  if (end == NULL)
    return len < V1_LINE_MAX ? PROXY_MORE : bad(why, "the PROXY line is longer than 107 bytes");
  if (end[-1] != '\r') return bad(why, "the PROXY line does not end in CR LF");
  *taken = (size_t)(end - bytes.at) + 1;
  struct wsl_span line = {bytes.at + V1_WORD_LEN, *taken - V1_WORD_LEN - 2};
  return read_line(line, header, why);
}

/* ---- reading version 2 ---- */

static const uint8_t *get(const uint8_t *at, void *out, size_t len) {
  memcpy(out, at, len);
  return at + len;
}

static uint16_t get_16(const uint8_t *at) {
  return (uint16_t)(at[0] << 8 | at[1]);
}

static void read_ends(const uint8_t *at, struct proxy_header *header) {
  size_t len = host_len(header->family);
  at = get(at, header->source.host, len);
  at = get(at, header->destination.host, len);
  header->source.port = get_16(at);
  header->destination.port = get_16(at + 2);
}

/* The command's and the family's byte, as far as they are here. */
static const char *fault_of_v2(const uint8_t *bytes, size_t len) {
  if (len > V2_COMMAND_AT && (bytes[V2_COMMAND_AT] & 0xf0u) != V2_VERSION)
    return "the PROXY header is of an unknown version";
  if (len > V2_COMMAND_AT && (bytes[V2_COMMAND_AT] & 0x0fu) > V2_PROXY)
    return "the command of the PROXY header is neither LOCAL nor PROXY";
  if (len > V2_FAMILY_AT &&
      (bytes[V2_FAMILY_AT] >> 4 > V2_FAMILY_MAX || (bytes[V2_FAMILY_AT] & 0x0fu) > V2_PROTO_MAX))
    return "the PROXY header is of an unknown family or protocol";
  return NULL;
}

static enum proxy_family family_of_v2(const uint8_t *bytes) {
  if ((bytes[V2_COMMAND_AT] & 0x0fu) == V2_LOCAL) return PROXY_NOBODY;
  if (bytes[V2_FAMILY_AT] == V2_TCP4) return PROXY_IPV4;
  return bytes[V2_FAMILY_AT] == V2_TCP6 ? PROXY_IPV6 : PROXY_NOBODY;
}

static enum proxy_result decode_v2(const uint8_t *bytes, size_t len, struct proxy_header *header,
                                   size_t *taken, const char **why) {
  const char *fault = fault_of_v2(bytes, len);
  if (fault != NULL) return bad(why, fault);
  if (len < V2_FIXED_LEN) return PROXY_MORE;
  size_t rest = get_16(bytes + V2_LENGTH_AT);
  header->family = family_of_v2(bytes);
  if (rest > PROXY_DECODED_MAX - V2_FIXED_LEN) return bad(why, "the PROXY header is longer than 8192 bytes");
  if (header->family != PROXY_NOBODY && rest < 2 * host_len(header->family) + 4)
    return bad(why, "the PROXY header is too short for its addresses");
  if (len < V2_FIXED_LEN + rest) return PROXY_MORE;
  if (header->family != PROXY_NOBODY) read_ends(bytes + V2_FIXED_LEN, header);
  *taken = V2_FIXED_LEN + rest;
  return PROXY_DONE;
}

/* ---- which of them ---- */

static bool begins(const uint8_t *bytes, size_t len, const void *word, size_t word_len) {
  return memcmp(bytes, word, len < word_len ? len : word_len) == 0;
}

enum proxy_result proxy_decode(const uint8_t *bytes, size_t len, struct proxy_header *header, size_t *taken,
                               const char **why) {
  assert(len > 0);
  memset(header, 0, sizeof *header);
  if (begins(bytes, len, v1_word, V1_WORD_LEN)) {
    if (len <= V1_WORD_LEN) return PROXY_MORE;
    return decode_v1((struct wsl_span){(const char *)bytes, len}, header, taken, why);
  }
  if (begins(bytes, len, v2_signature, sizeof v2_signature)) {
    if (len <= sizeof v2_signature) return PROXY_MORE;
    return decode_v2(bytes, len, header, taken, why);
  }
  return PROXY_NONE;
}
