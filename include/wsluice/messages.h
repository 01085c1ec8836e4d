/* A stream as messages: where the bytes of a backend are cut, and frames round the pieces, in place.
 *
 *   room:  |                  | a line | LF | another | CR LF | an unfinished one |
 *          \______ free ______/\_____________________ data ______________________/
 *   then:  | header | a line | header | another |                | an unfinished one |
 *          \______________ frames ______________/
 *
 * Every message is one final frame. The cuts depend on the stream alone, never on how it came in pieces,
 * where lines are concerned. Pure; no I/O, no allocation.
 */
#ifndef WSLUICE_MESSAGES_H
#define WSLUICE_MESSAGES_H

#include <wsluice/frame.h>

enum wsl_message_rule {
  WSL_MESSAGES_BYTES, /* whatever there is, up to `max` */
  WSL_MESSAGES_TEXT,  /* the same, cut between characters; the data must be valid UTF-8 */
  WSL_MESSAGES_LINES, /* one message a line, without its LF or CRLF; longer ones in several, cut between
                         characters where `opcode` is text (then the data must be valid UTF-8) */
  WSL_MESSAGES_BASE64 /* as bytes, each message the base64 of its piece, padded */
};

#define WSL_MESSAGE_TEXT_LEAST 4u /* bytes: one character, or one group of base64 */

struct wsl_message_form {
  enum wsl_message_rule rule;
  enum wsl_opcode opcode; /* WSL_OP_TEXT or WSL_OP_BINARY */
  size_t max;             /* payload bytes of a message, at least 1, of text WSL_MESSAGE_TEXT_LEAST */
};

/* The next message at the start of data[0..len). */
struct wsl_message_cut {
  size_t take;     /* bytes of data that it consists of, or ends with where some are there `before` */
  size_t skip;     /* behind them: a line end, which is not sent; 0 to 2 */
  bool unfinished; /* no message: a line that goes on. `take` bytes are its content; a CR behind them, which
                      may be half of a line end, is to come first in the next piece. */
};

/* Finds it. `before` bytes of the message (of whole characters, at most `max`) came with earlier pieces;
 * `data` begins a character, and len is at least 1 unless something is before. */
struct wsl_message_cut wsl_message_cut(const struct wsl_message_form *form, size_t before,
                                       const uint8_t *data, size_t len);

struct wsl_framed {
  uint8_t *at; /* the frames, ready to be written, and their length; in the buffer */
  size_t len;
  size_t used; /* bytes of data that they consist of, line ends included; 0: only an unfinished line */
};

/* Frames what messages data[0..len) holds, as many as fit between `room` and what is not used yet (one at
 * least); the rest of data stays as it was. `room` to `data` must be WSL_FRAME_HEADER_MAX bytes, with base64
 * that and len more. What makes one message is not moved, but for base64. */
struct wsl_framed wsl_messages_frame(const struct wsl_message_form *form, uint8_t *room, uint8_t *data,
                                     size_t len);

/* ---- the other way: a client's message becomes a line ---- */

enum wsl_line_end { WSL_LINE_END_LF, WSL_LINE_END_CRLF, WSL_LINE_END_CR };

#define WSL_LINE_END_MAX 2u

/* Writes what is missing behind a message to `out` and returns how many bytes (0 to 2). `last` is the
 * message's last byte, 0 for an empty one. A message that ends in LF, or in the end that is asked for, has
 * its end; where that is CRLF, a CR is half of it. */
size_t wsl_line_end_missing(enum wsl_line_end end, uint8_t last, uint8_t out[WSL_LINE_END_MAX]);

#endif
