/* See opening_accept.h. The hashed text is always of one length, two blocks with what SHA-1 adds to it. */
#include "opening_accept.h"

#include <assert.h>

#define GUID       "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEY_LEN    24u
#define HASHED_LEN 60u
#define BLOCK_LEN  64u
#define BLOCKS     2u
#define DIGEST_LEN 20u

static uint32_t rotated(uint32_t word, unsigned bits) {
  return word << bits | word >> (32 - bits);
}

/* RFC 3174 section 5: the function of a round, with its constant. */
static uint32_t mixed(unsigned round, uint32_t b, uint32_t c, uint32_t d) {
  switch (round / 20) {
    case 0:
      return ((b & c) | (~b & d)) + 0x5a827999u;
    case 1:
      return (b ^ c ^ d) + 0x6ed9eba1u;
    case 2:
      return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcu;
    default:
      return (b ^ c ^ d) + 0xca62c1d6u;
  }
}

static void hash_block(uint32_t state[5], const uint8_t *block) {
  uint32_t w[80];
  for (unsigned i = 0; i < 16; i++)
    w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
           block[4 * i + 3];
  for (unsigned i = 16; i < 80; i++)
    w[i] = rotated(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
  for (unsigned i = 0; i < 80; i++) {
    uint32_t next = rotated(a, 5) + mixed(i, b, c, d) + e + w[i];
    e = d;
    d = c;
    c = rotated(b, 30);
    b = a;
    a = next;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
}

/* 20 bytes: six groups of three and one of two. */
static void encode(const uint8_t digest[DIGEST_LEN], char accept[WSL_ACCEPT_LEN + 1]) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (unsigned i = 0; i < WSL_ACCEPT_LEN / 4; i++) {
    uint32_t third = 3 * i + 2 < DIGEST_LEN ? digest[3 * i + 2] : 0;
    uint32_t group = (uint32_t)digest[3 * i] << 16 | (uint32_t)digest[3 * i + 1] << 8 | third;
    for (unsigned k = 0; k < 4; k++)
      accept[4 * i + k] = digits[group >> (18 - 6 * k) & 63u];
  }
  accept[WSL_ACCEPT_LEN - 1] = '=';
  accept[WSL_ACCEPT_LEN] = '\0';
}

void accept_of(struct wsl_span key, char accept[WSL_ACCEPT_LEN + 1]) {
  uint32_t state[5] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u};
  uint8_t text[BLOCKS * BLOCK_LEN] = {0}, digest[DIGEST_LEN];
  assert(key.len == KEY_LEN);
  memcpy(text, key.at, KEY_LEN);
  memcpy(text + KEY_LEN, GUID, HASHED_LEN - KEY_LEN);
  text[HASHED_LEN] = 0x80;
  text[sizeof(text) - 2] = HASHED_LEN * 8 >> 8; /* bits, in the last 64 of the block */
  text[sizeof(text) - 1] = HASHED_LEN * 8 & 0xff;
  for (unsigned i = 0; i < BLOCKS; i++)
    hash_block(state, text + i * BLOCK_LEN);
  for (unsigned i = 0; i < DIGEST_LEN; i++)
    digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
  encode(digest, accept);
}
