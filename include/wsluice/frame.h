/* Frame decoder and encoder (RFC 6455 section 5).
 *
 * The decoder turns the bytes of a client into payload, in place:
 *
 *   buf:  | header | payload ... | ping | header | payload ... | partial header |
 *          \______________________ consumed ____________________________________/
 *   dst:  | payload ... payload ... |   (the run: contiguous, unmasked, at or before buf)
 *
 * Successive data frames, control frames between them included, become one contiguous run, so
 * that whoever writes it needs one call. A partial header (up to 13 bytes) and the payload of a
 * control frame (up to 125) move into the decoder, so the buffer can be given back after every call.
 *
 * Pure: no I/O, no clock, no allocation, whatever length a header declares. Not thread-safe; one
 * decoder belongs to one connection. Server side only: frames must be masked (5.1).
 */
#ifndef WSLUICE_FRAME_H
#define WSLUICE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wsluice/span.h>
#include <wsluice/utf8.h>

/* RFC 6455 5.2; the values are those on the wire. */
enum wsl_opcode {
  WSL_OP_CONTINUATION = 0x0,
  WSL_OP_TEXT = 0x1,
  WSL_OP_BINARY = 0x2,
  WSL_OP_CLOSE = 0x8,
  WSL_OP_PING = 0x9,
  WSL_OP_PONG = 0xA
};

/* RFC 6455 7.4.1, those that we send or name. */
enum wsl_close_code {
  WSL_CLOSE_NORMAL = 1000,
  WSL_CLOSE_GOING_AWAY = 1001,
  WSL_CLOSE_PROTOCOL_ERROR = 1002,
  WSL_CLOSE_UNACCEPTABLE = 1003,
  WSL_CLOSE_NO_STATUS = 1005, /* never on the wire: an empty Close */
  WSL_CLOSE_ABNORMAL = 1006,  /* never on the wire: no Close at all */
  WSL_CLOSE_INVALID_PAYLOAD = 1007,
  WSL_CLOSE_POLICY = 1008,
  WSL_CLOSE_TOO_BIG = 1009,
  WSL_CLOSE_INTERNAL_ERROR = 1011,
  WSL_CLOSE_TRY_AGAIN_LATER = 1013
};

#define WSL_CONTROL_PAYLOAD_MAX 125u /* RFC 6455 5.5 */
#define WSL_CLIENT_HEADER_MAX   14u  /* 2 + 8 length + 4 mask */
#define WSL_FRAME_HEADER_MAX    10u  /* ours: 2 + 8 length, never masked (5.1) */

/* What feed() met. After WSL_FRAME_PING, _PONG, _MESSAGE the caller acts on it and feeds the rest, with dst
 * advanced by run_len: runs on both sides of a control frame stay one run. After WSL_FRAME_CLOSE
 * and WSL_FRAME_VIOLATION nothing more may be fed (asserted). */
enum wsl_frame_event {
  WSL_FRAME_MORE,    /* everything was consumed */
  WSL_FRAME_PING,    /* a whole ping; its payload is in control[0..control_len) of the decoder */
  WSL_FRAME_PONG,    /* a whole pong, likewise */
  WSL_FRAME_MESSAGE, /* by message only: a data message ended, right behind the run */
  WSL_FRAME_CLOSE,
  WSL_FRAME_VIOLATION
};

struct wsl_frame_result {
  enum wsl_frame_event event;
  size_t consumed;     /* bytes of buf used up, headers included                                    */
  size_t run_len;      /* payload bytes written to dst; on a violation those before the offending
                          frame, or before the first byte of a broken UTF-8 sequence               */
  uint16_t close_code; /* WSL_FRAME_CLOSE: as received, or WSL_CLOSE_NO_STATUS for an empty one;
                          WSL_FRAME_VIOLATION: the code to send (1002, 1003, 1007)                  */
  bool run_is_text;    /* by message only: the run is of a text message, all of it                  */
  const char *reason;  /* WSL_FRAME_VIOLATION: static text for the log and the Close, else NULL     */
};

struct wsl_decoder {
  uint64_t payload_left;                 /* of the data frame whose payload is being read */
  uint8_t mask[4];                       /* rotated so that mask[0] fits the next byte */
  uint8_t header[WSL_CLIENT_HEADER_MAX]; /* a header that came in pieces */
  uint8_t header_len;
  uint8_t control[WSL_CONTROL_PAYLOAD_MAX]; /* payload of the control frame being read or reported;
                                               for Close: status code and reason as received */
  uint8_t control_len;                      /* bytes of control[] that are there */
  uint8_t control_left;                     /* bytes still to come */
  uint8_t opcode;                           /* of the frame being read */
  uint8_t stage;                            /* private */
  bool frame_fin;                           /* the data frame being read is the last of its message */
  bool in_message;                          /* a data message was begun and is not complete */
  bool in_text;                             /* it is text, or the one before it was */
  bool refuse_text;
  bool by_message;
  struct wsl_utf8 utf8; /* across the fragments of a text message (8.1) */
};

/* A decoder at the start of a connection. `refuse_text`: a text frame is a violation with 1003. */
void wsl_decoder_init(struct wsl_decoder *decoder, bool refuse_text);

/* From now on the ends of data messages are told (or are not any more), so that a run is of one message only
 * and the caller may put bytes behind each: of a message whose header lies in the buffer there is room for 6
 * at least. Costs a call a message, where the decoder otherwise takes many at once. */
void wsl_decoder_by_message(struct wsl_decoder *decoder, bool by_message);

/* Decodes buf[0..len) until it is used up or an event must be acted on; dst <= buf, both in one
 * buffer (dst == buf at first). What lies between the run's end and the end of what was consumed may
 * be written over: short payloads are moved in whole vectors. Reports a violation as soon as the byte that
 * proves it was seen: reserved bits and opcodes with the first byte, a missing mask with the second. */
WSL_MUST_CHECK struct wsl_frame_result wsl_decoder_feed(struct wsl_decoder *decoder, uint8_t *dst,
                                                        uint8_t *buf, size_t len);

/* Whether the stream may end here without loss: no partial header, no frame and no fragmented
 * message under way. */
bool wsl_decoder_between_messages(const struct wsl_decoder *decoder);

/* XORs data[0..len) with `mask`, whose first byte fits data[0] (RFC 6455 5.3). dst may be data or
 * any place before it. */
void wsl_unmask(uint8_t *dst, const uint8_t *data, size_t len, const uint8_t mask[4]);

/* Writes the header of an unmasked, final frame of `payload_len` bytes; returns its length (2, 4 or
 * 10: always the shortest form, 5.2). */
size_t wsl_frame_header(uint8_t out[WSL_FRAME_HEADER_MAX], enum wsl_opcode opcode, uint64_t payload_len);

/* Length that wsl_frame_header() will return. */
size_t wsl_frame_header_len(uint64_t payload_len);

/* Reads back a header that wsl_frame_header() wrote; returns its length. */
size_t wsl_frame_header_read(const uint8_t *header, uint64_t *payload_len);

/* Writes a whole Close frame (header and payload, at most 127 bytes) and returns its length. Code
 * WSL_CLOSE_NO_STATUS gives an empty one. The reason is cut to 123 bytes on a character boundary;
 * it must be valid UTF-8 (5.5.1). */
size_t wsl_close_frame(uint8_t out[2 + WSL_CONTROL_PAYLOAD_MAX], uint16_t code, struct wsl_span reason);

/* Whether a client may send this code in a Close (RFC 6455 7.4 and the registry: 1000 to 1003, 1007
 * to 1014, 3000 to 4999). */
bool wsl_close_code_valid(uint16_t code);

#endif
