/* The PROXY protocol (HAProxy's proxy-protocol.txt, versions 1 and 2): the header in front of a stream that
 * tells who the client of a relayed connection is, and which address it reached. Pure.
 *
 *   version 1   "PROXY TCP4 203.0.113.5 198.51.100.1 40000 443\r\n", at most 107 bytes
 *   version 2   a signature of 12 bytes, version and command, family, a length; addresses, and then TLVs,
 *               which are passed over
 */
#ifndef CODEC_TEXT_PROXY_PROTOCOL_H
#define CODEC_TEXT_PROXY_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

#include <wsluice/span.h>

enum proxy_family {
  PROXY_NOBODY, /* UNKNOWN, LOCAL and what is no stream over IP: the socket's own addresses hold */
  PROXY_IPV4,
  PROXY_IPV6
};

struct proxy_end {
  uint8_t host[16]; /* 4 bytes of IPv4 */
  uint16_t port;
};

struct proxy_header {
  enum proxy_family family;
  struct proxy_end source, destination;
};

enum proxy_version { PROXY_V1 = 1, PROXY_V2 = 2 };

/* Longest header that is written: version 1 with two long IPv6 addresses. */
#define PROXY_ENCODED_MAX 107u

/* Longest that is taken. Version 2 could declare 64 KB; TLVs hold a client's certificate at most. */
#define PROXY_DECODED_MAX 8192u

/* Writes a header; returns its length. */
size_t proxy_encode(enum proxy_version version, const struct proxy_header *header,
                    uint8_t out[PROXY_ENCODED_MAX]);

enum proxy_result {
  PROXY_MORE, /* the beginning of a header, so far well */
  PROXY_DONE,
  PROXY_NONE, /* something else than a header */
  PROXY_BAD   /* a header that is wrong */
};

/* Reads the header that bytes[0..len), len > 0, begin with, all of the stream so far. DONE: *taken is its
 * length, what lies behind is the stream's. BAD: *why is a static sentence. Decides as early as it can. */
WSL_MUST_CHECK enum proxy_result proxy_decode(const uint8_t *bytes, size_t len, struct proxy_header *header,
                                              size_t *taken, const char **why);

#endif
