/* fuzz: max_len=4096
 *
 * The frame decoder over any bytes, cut anywhere: the same events, payload and violation, at the same bytes,
 * as in one piece, and as a decoder that looks at whole streams finds them. The last three bytes of an input
 * say how it is cut and whether text is refused.
 */
#include "fuzz/reference.h"
#include "fuzz/story.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  bool refuse_text = (fuzz_choice(&input) & 1) != 0;
  struct fuzz_cuts cuts = fuzz_cuts_of(fuzz_choice_16(&input));
  struct story whole, cut, reference;
  story_init(&whole, input.len);
  story_init(&cut, input.len);
  story_init(&reference, input.len);
  story_of(&whole, input.at, input.len, refuse_text, fuzz_cuts_of(0));
  story_of(&cut, input.at, input.len, refuse_text, cuts);
  reference_decode(input.at, input.len, refuse_text, &reference);
  story_compare(&reference, &whole, whole.events_count == 1 ? STORY_EXACT : STORY_BEGUN_SEQUENCE);
  story_compare(&whole, &cut, STORY_BEGUN_SEQUENCE);
  story_free(&whole);
  story_free(&cut);
  story_free(&reference);
  return 0;
}
