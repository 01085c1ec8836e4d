/* What a backend's bytes become for a client that is sent messages: a second opinion, character by character
 * and as plain as it can be, that shares nothing with codec/ and bridge/. Of lines each has a LF behind it in
 * what comes out, whatever its end was; of base64 the bytes are told, not the digits.
 */
#ifndef SIM_TRANSLATION_H
#define SIM_TRANSLATION_H

#include "bridge/session.h"
#include "bytes.h"
#include "letters.h"
#include "reference.h"

struct translation {
  enum frames_mode mode; /* FRAMES_AUTO: as binary, so far */
  bool invalid_closes;
  size_t max;  /* bytes of a line */
  bool broken; /* what came is no text, and ends the session */
  /* private */
  struct letters letters;
  uint8_t character[4]; /* that is not whole yet */
  size_t character_len;
  bool cr; /* came last, and may belong to a line end */
  struct bytes line;
  uint8_t tail[3]; /* FRAMES_AUTO: the last bytes that were sent */
  size_t tail_len;
};

/* Keeps the memory of its bytes. */
void translation_init(struct translation *translation, enum frames_mode mode, size_t max,
                      bool invalid_closes);

/* A read brought bytes, when the client's first message had been `first`: adds to `out` what the client is to
 * get now. */
void translation_read(struct translation *translation, const uint8_t *bytes, size_t len,
                      enum heard_first first, struct bytes *out);

/* An end was read: adds what had waited. */
void translation_end(struct translation *translation, struct bytes *out);

#endif
