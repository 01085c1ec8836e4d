/* See net/address_kind.h. Tables, and one look through them.
 *
 * Sources: RFC 6890 (special-purpose addresses), RFC 3927, RFC 4291; the metadata services are those that
 * the clouds document, where they stand outside link-local networks too.
 */
#include "net/address_kind.h"

#include <netinet/in.h>
#include <string.h>

struct kind_network {
  enum address_kind kind;
  unsigned bits;
  uint8_t first[16];
};

static const struct kind_network v4_kinds[] = {
    {ADDRESS_UNSPECIFIED, 8, {0}},
    {ADDRESS_LOOPBACK, 8, {127}},
    {ADDRESS_LINK_LOCAL, 16, {169, 254}},
    {ADDRESS_MULTICAST, 4, {224}},
    {ADDRESS_MULTICAST, 32, {255, 255, 255, 255}},
    {ADDRESS_METADATA, 32, {169, 254, 169, 254}}, /* AWS, Azure, Google, OpenStack, Oracle and others */
    {ADDRESS_METADATA, 31, {169, 254, 170, 2}},   /* AWS: credentials of containers */
    {ADDRESS_METADATA, 32, {169, 254, 170, 23}},  /* AWS: credentials of Kubernetes pods */
    {ADDRESS_METADATA, 32, {169, 254, 0, 23}},    /* Tencent */
    {ADDRESS_METADATA, 32, {169, 254, 42, 42}},   /* Scaleway */
    {ADDRESS_METADATA, 32, {100, 100, 100, 200}}, /* Alibaba */
    {ADDRESS_METADATA, 32, {168, 63, 129, 16}},   /* Azure: the host's agent */
    {ADDRESS_METADATA, 32, {192, 0, 0, 192}},     /* Oracle, first generation */
};

static const struct kind_network v6_kinds[] = {
    {ADDRESS_UNSPECIFIED, 128, {0}},
    {ADDRESS_LOOPBACK, 128, {[15] = 1}},
    {ADDRESS_LINK_LOCAL, 10, {0xfe, 0x80}},
    {ADDRESS_MULTICAST, 8, {0xff}},
    {ADDRESS_METADATA, 32, {0xfd, 0x00, 0x0e, 0xc2}},                     /* AWS */
    {ADDRESS_METADATA, 128, {0xfd, 0x20, 0x00, 0xce, [14] = 0x02, 0x54}}, /* Google */
    {ADDRESS_METADATA, 128, {0xfd, 0x00, 0x00, 0x42, [15] = 0x42}},       /* Scaleway */
    {ADDRESS_METADATA, 128, {0xfe, 0x80, [12] = 0xa9, 0xfe, 0xa9, 0xfe}}, /* OpenStack */
};

/* Ways to carry an IPv4 address. */
static const struct carrier {
  unsigned bits;
  uint8_t first[16];
  unsigned at;     /* byte at which the address stands */
  uint8_t flipped; /* what its bytes are xored with */
} carriers[] = {
    {96, {0}, 12, 0},                                  /* IPv4-compatible (RFC 4291 2.5.5.1) */
    {96, {0x00, 0x64, 0xff, 0x9b}, 12, 0},             /* NAT64 (RFC 6052) */
    {48, {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 12, 0}, /* NAT64 of one's own (RFC 8215), by custom a /96 */
    {96, {[8] = 0xff, 0xff}, 12, 0},                   /* SIIT (RFC 2765) */
    {16, {0x20, 0x02}, 2, 0},                          /* 6to4 (RFC 3056) */
    {32, {0x20, 0x01}, 12, 0xff},                      /* Teredo (RFC 4380 4) */
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static bool begins_with(const uint8_t *address, int family, const uint8_t *first, unsigned bits) {
  struct network network = {.first.family = family, .bits = bits};
  struct bare_address bare = {.family = family};
  memcpy(network.first.bytes, first, sizeof network.first.bytes);
  memcpy(bare.bytes, address, sizeof bare.bytes);
  return network_holds(&network, &bare);
}

/* `offset`: bits of an address in front of the one that is looked at. */
static void look(struct address_kinds *found, const struct bare_address *address, unsigned wanted,
                 unsigned offset) {
  const struct kind_network *table = address->family == AF_INET ? v4_kinds : v6_kinds;
  size_t count = address->family == AF_INET ? COUNT(v4_kinds) : COUNT(v6_kinds);
  for (size_t i = 0; i < count; i++) {
    if ((table[i].kind & wanted) == 0) continue;
    if (!begins_with(address->bytes, address->family, table[i].first, table[i].bits)) continue;
    found->kinds |= table[i].kind;
    if (offset + table[i].bits > found->bits) found->bits = offset + table[i].bits;
  }
}

static void look_within(struct address_kinds *found, const struct bare_address *address,
                        const struct carrier *carrier, unsigned wanted) {
  struct bare_address inner = {.family = AF_INET};
  for (size_t i = 0; i < sizeof(struct in_addr); i++)
    inner.bytes[i] = address->bytes[carrier->at + i] ^ carrier->flipped;
  look(found, &inner, wanted, 8 * carrier->at);
}

/* "::", "::1" and their like are no IPv4-compatible addresses. */
static bool carries_nothing(const struct bare_address *address) {
  static const uint8_t zeros[13];
  return address->family != AF_INET6 || memcmp(address->bytes, zeros, sizeof zeros) == 0;
}

struct address_kinds address_kinds_of(const struct bare_address *address, unsigned wanted) {
  struct address_kinds found = {0, 0};
  if (address->family != AF_INET && address->family != AF_INET6) return found;
  look(&found, address, wanted, 0);
  if (carries_nothing(address)) return found;
  for (size_t i = 0; i < COUNT(carriers); i++) {
    if (begins_with(address->bytes, AF_INET6, carriers[i].first, carriers[i].bits))
      look_within(&found, address, &carriers[i], wanted);
  }
  return found;
}

const char *address_kind_text(unsigned kinds) {
  static const struct {
    enum address_kind kind;
    const char *text;
  } texts[] = {
      {ADDRESS_METADATA, "a cloud's metadata service"},
      {ADDRESS_LOOPBACK, "a loopback address"},
      {ADDRESS_UNSPECIFIED, "an unspecified address, which is this machine"},
      {ADDRESS_LINK_LOCAL, "a link-local address"},
      {ADDRESS_MULTICAST, "a multicast or broadcast address"},
      {ADDRESS_OWN, "an address of this machine"},
  };
  for (size_t i = 0; i < COUNT(texts); i++) {
    if ((kinds & texts[i].kind) != 0) return texts[i].text;
  }
  return "an ordinary address";
}

static bool ends_in(struct wsl_span name, const char *end) {
  struct wsl_span tail = wsl_span_of(end);
  if (name.len < tail.len) return false;
  return wsl_span_equal_nocase((struct wsl_span){name.at + name.len - tail.len, tail.len}, tail);
}

unsigned address_kinds_of_name(struct wsl_span name) {
  static const char *const metadata[] = {
      "metadata",      "metadata.google.internal",   "metadata.goog",
      "instance-data", "instance-data.ec2.internal", "metadata.tencentyun.com"};
  if (name.len > 0 && name.at[name.len - 1] == '.') name.len--;
  if (wsl_span_equal_nocase(name, wsl_span_of("localhost")) || ends_in(name, ".localhost"))
    return ADDRESS_LOOPBACK;
  for (size_t i = 0; i < COUNT(metadata); i++) {
    if (wsl_span_equal_nocase(name, wsl_span_of(metadata[i]))) return ADDRESS_METADATA;
  }
  return 0;
}
