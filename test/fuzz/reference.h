/* What the fuzz targets compare with: RFC 6455 5 and RFC 3629 written down a second time, over whole inputs
 * and one byte at a time, with nothing in mind but being easy to check against the RFCs' words.
 */
#ifndef FUZZ_REFERENCE_H
#define FUZZ_REFERENCE_H

#include "fuzz/story.h"

/* What a decoder has to make of the stream data[0..len): events, payload, where it stands at the end. */
void reference_decode(const uint8_t *data, size_t len, bool refuse_text, struct story *story);

/* How many bytes at the front of data[0..len) can begin a valid UTF-8 text. */
size_t reference_utf8_prefix(const uint8_t *data, size_t len);

/* Where the sequence begins that data[0..len), such a prefix, ends within; len when it ends between two. */
size_t reference_utf8_begun(const uint8_t *data, size_t len);

#endif
