/* Simulated pipes for net/splice_pool.h: memory that knows what lies in it. */
#ifndef SIM_PIPES_H
#define SIM_PIPES_H

#include "core/random.h"
#include "net/splice_pool.h"

/* What the kernel of this life makes of pipes. */
struct pipe_maker {
  struct splice_pool pool;
  struct random_source random;
  uint32_t capacity;       /* bytes that one holds */
  uint8_t refusal_percent; /* of those that are asked for */
  size_t open;             /* made and not closed */
};

void pipes_begin(struct pipe_maker *maker, uint64_t seed, uint32_t ceiling, uint32_t capacity,
                 uint8_t refusal_percent);

/* All pipes are closed. */
void pipes_end(struct pipe_maker *maker);

size_t pipe_capacity(const struct splice_pipe *pipe);

/* Puts bytes into an empty one; it counts them itself. */
void pipe_fill(struct splice_pipe *pipe, const uint8_t *bytes, size_t len);

/* Where what is left in it begins. */
const uint8_t *pipe_bytes(const struct splice_pipe *pipe);

/* Takes bytes out of it. */
void pipe_drain(struct splice_pipe *pipe, size_t len);

#endif
