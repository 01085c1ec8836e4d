/* See core/siphash.h. */
#include "core/siphash.h"

#define BLOCK 8u

struct state {
  uint64_t v[4];
};

static uint64_t rotate(uint64_t word, unsigned bits) {
  return word << bits | word >> (64 - bits);
}

static void mix(struct state *s) {
  uint64_t *v = s->v;
  v[0] += v[1];
  v[2] += v[3];
  v[1] = rotate(v[1], 13) ^ v[0];
  v[3] = rotate(v[3], 16) ^ v[2];
  v[0] = rotate(v[0], 32);
  v[2] += v[1];
  v[0] += v[3];
  v[1] = rotate(v[1], 17) ^ v[2];
  v[3] = rotate(v[3], 21) ^ v[0];
  v[2] = rotate(v[2], 32);
}

/* Two rounds a block, four at the end. */
static void absorb(struct state *s, uint64_t block) {
  s->v[3] ^= block;
  mix(s);
  mix(s);
  s->v[0] ^= block;
}

/* Up to eight bytes, the first one lowest. */
static uint64_t load(const char *at, size_t len) {
  uint64_t word = 0;
  for (size_t i = 0; i < len; i++)
    word |= (uint64_t)(uint8_t)at[i] << (8 * i);
  return word;
}

uint64_t siphash(const struct siphash_key *key, struct wsl_span data) {
  struct state s = {{
      key->words[0] ^ 0x736f6d6570736575u,
      key->words[1] ^ 0x646f72616e646f6du,
      key->words[0] ^ 0x6c7967656e657261u,
      key->words[1] ^ 0x7465646279746573u,
  }};
  size_t at = 0;
  for (; data.len - at >= BLOCK; at += BLOCK)
    absorb(&s, load(data.at + at, BLOCK));
  absorb(&s, load(data.at + at, data.len - at) | (uint64_t)data.len << 56);
  s.v[2] ^= 0xff;
  for (int i = 0; i < 4; i++)
    mix(&s);
  return s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
}
