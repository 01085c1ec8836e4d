/* What proxies say about the way of a request: Forwarded (RFC 7239) and X-Forwarded-For, element by element
 * from the left, where the client stands; each proxy appends whom it got the request from. Pure.
 *
 * What is left of an element that a trusted proxy has appended may be anybody's invention: so an element that
 * can't be read is one that says nothing, and never takes a whole one behind it with it.
 */
#ifndef CODEC_HTTP_FORWARDED_H
#define CODEC_HTTP_FORWARDED_H

#include <stdint.h>

#include <wsluice/span.h>

enum forwarded_scheme { FORWARDED_SCHEME_UNSAID, FORWARDED_HTTP, FORWARDED_HTTPS };

struct forwarded_element {
  struct wsl_span host; /* into the value, no brackets; empty: "unknown", an obfuscated name, or nothing that
                           can be read. It need not be an address */
  uint16_t port;        /* 0: not said */
  enum forwarded_scheme scheme;
};

/* Takes the next element off the front of a Forwarded's value; false when there is none. */
bool forwarded_next(struct wsl_span *rest, struct forwarded_element *element);

/* Likewise of an X-Forwarded-For's: addresses, with or without a port. */
bool x_forwarded_for_next(struct wsl_span *rest, struct forwarded_element *element);

/* An X-Forwarded-Proto's value: that of its last element, the nearest proxy's. */
enum forwarded_scheme x_forwarded_proto(struct wsl_span value);

#endif
