/* One option and its value: found by name or letter, read as its kind demands, stored where the table says.
 */
#ifndef APP_OPTION_VALUE_H
#define APP_OPTION_VALUE_H

#include "app/option/options.h"
#include "app/option/table.h"

/* The option of that name, without its dashes; NULL when there is none. */
const struct option_spec *option_find(const char *name, size_t len);

/* The option with that short form; NULL when there is none. */
const struct option_spec *option_find_letter(char letter);

/* Whether it takes no value. */
static inline bool option_is_flag(const struct option_spec *spec) {
  return spec->kind == OPTION_FLAG;
}

/* Reads `value` (flags: ignored, they are set) into the option's field; a text is pointed to, not copied. 0,
 * or WSL_INVALID with a static sentence in *why. */
WSL_MUST_CHECK int option_store(struct options *options, const struct option_spec *spec, const char *value,
                                const char **why);

/* Two of the longest values, and words. */
#define OPTION_RANGE_MAX 64

/* To stand behind the sentence of a refusal: what values the option takes, such as " (between 4K and 16M)".
 * Empty where it is no number. */
const char *option_range(const struct option_spec *spec, char text[OPTION_RANGE_MAX]);

#endif
