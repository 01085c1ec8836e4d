/* The endless stream of messages that one end sends, ready to be written from any byte of it on.
 *
 * All messages have one size, so all frames have one length on the wire, and a sender's whole state is
 * how many bytes of the stream have left. What lies at a place of it is worked out, not built:
 *
 *   small messages   a buffer of whole frames, hundreds of kilobytes, each with a mask of its own, sent
 *                    again and again (its payload is a whole number of the pattern's periods)
 *   large ones       a header, then slices of the pattern masked beforehand: the payload at offset o is
 *                    masked with m[o % 4], so one table serves every frame whose mask is m rotated by o
 *
 * So sending costs no masking, no copy and no bookkeeping, only the write. Immutable once made: threads
 * and connections share it.
 */
#ifndef LOADGEN_OUTGOING_H
#define LOADGEN_OUTGOING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <wsluice/frame.h>

#include "loadgen/pattern.h"

enum outgoing_framing {
  OUTGOING_PLAIN,    /* no WebSocket: the payload as it is                       */
  OUTGOING_MASKED,   /* a client's frames, masked at random                      */
  OUTGOING_ZERO_MASK /* a client's frames with masks of zeros, as some do send   */
};

#define OUTGOING_SMALL_MAX   2048u          /* payload up to which frames are copied together */
#define OUTGOING_BUFFER_MIN  (256u * 1024u) /* length that such a buffer has at least */
#define OUTGOING_MASKS       4u             /* masked tables of large messages */
#define OUTGOING_PAYLOAD_MAX (1u << 30)

struct outgoing {
  enum outgoing_framing framing;
  enum wsl_opcode opcode;
  size_t payload_len;
  size_t header_len;
  uint64_t frame_len; /* header and payload */
  uint8_t *frames;    /* small messages: the buffer, else NULL */
  size_t frames_len;
  uint8_t *tables[OUTGOING_MASKS]; /* large messages: PATTERN_TABLE_LEN bytes each */
  uint8_t headers[OUTGOING_MASKS][4][WSL_CLIENT_HEADER_MAX];
};

/* Messages of `payload_len` bytes (1 to OUTGOING_PAYLOAD_MAX). 0, or WSL_NO_MEMORY, or the error of the
 * system's random numbers; destroy it in either case. */
WSL_MUST_CHECK int outgoing_init(struct outgoing *outgoing, const struct pattern *pattern,
                                 enum outgoing_framing framing, enum wsl_opcode opcode, size_t payload_len);
void outgoing_destroy(struct outgoing *outgoing);

/* Points parts[0..parts_max) at the bytes from `position` on, at most `len_max` of them; returns how many
 * parts that took (at least 1 where len_max is not 0). */
WSL_MUST_CHECK int outgoing_parts(const struct outgoing *outgoing, uint64_t position, uint64_t len_max,
                                  struct iovec *parts, int parts_max);

/* Writes the header of a final, masked frame; returns its length (6, 8 or 14). */
size_t client_frame_header(uint8_t out[WSL_CLIENT_HEADER_MAX], enum wsl_opcode opcode, uint64_t payload_len,
                           const uint8_t mask[4]);

/* Writes a whole masked control frame with at most 125 bytes of payload; returns its length. */
#define CLIENT_CONTROL_MAX (WSL_CLIENT_HEADER_MAX + WSL_CONTROL_PAYLOAD_MAX)
size_t client_control_frame(uint8_t out[CLIENT_CONTROL_MAX], enum wsl_opcode opcode, const uint8_t *payload,
                            size_t len, const uint8_t mask[4]);

#endif
