/* Options about clients that want text: what they are sent, and what becomes of their messages. */
#include <string.h>

#include "app/option/groups.h"
#include "app/option/rules.h"

/* A word that an option may have, and what it stands for. */
struct choice {
  const char *word;
  int value;
};

/* The value of `word` among choices[0..count), or -1. */
static int choose(const struct choice *choices, size_t count, const char *word) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(choices[i].word, word) == 0) return choices[i].value;
  }
  return -1;
}

#define CHOOSE(choices, word) choose(choices, sizeof(choices) / sizeof((choices)[0]), word)

static int check_frames(struct options *options, const char *value, const char **why) {
  static const struct choice modes[] = {{"binary", FRAMES_BINARY},
                                        {"text", FRAMES_TEXT},
                                        {"lines", FRAMES_LINES},
                                        {"base64", FRAMES_BASE64},
                                        {"auto", FRAMES_AUTO}};
  int mode = CHOOSE(modes, value);
  *why = "must be binary, text, lines, base64 or auto";
  if (mode < 0) return WSL_INVALID;
  options->server.frames.mode = (enum frames_mode)mode;
  return WSL_OK;
}

static int check_line_end(struct options *options, const char *value, const char **why) {
  static const struct choice ends[] = {
      {"lf", WSL_LINE_END_LF}, {"crlf", WSL_LINE_END_CRLF}, {"cr", WSL_LINE_END_CR}};
  int end = CHOOSE(ends, value);
  *why = "must be lf, crlf or cr";
  if (end < 0) return WSL_INVALID;
  options->server.frames.line_end = (enum wsl_line_end)end;
  return WSL_OK;
}

static int check_invalid_utf8(struct options *options, const char *value, const char **why) {
  static const struct choice ways[] = {{"replace", INVALID_TEXT_REPLACED}, {"close", INVALID_TEXT_CLOSES}};
  int way = CHOOSE(ways, value);
  *why = "must be replace or close";
  if (way < 0) return WSL_INVALID;
  options->server.session.invalid_text = (enum invalid_text)way;
  return WSL_OK;
}

/* Who has lengthened lines alone would see them cut where they always were. */
static const char *check(struct options *o) {
  if (o->max_line > OPTIONS_MESSAGE_DEFAULT && o->max_line > o->max_frame_size)
    options_note(o, "--max-line is over --max-frame-size, where longer lines are cut: raise both");
  return NULL;
}

static void fill(struct options *o) {
  o->server.session.max_line = (uint32_t)o->max_line;
}

/* clang-format off */
static const struct option_spec specs[] = {
  OPTIONS_SECTION("Text clients"),
  {OPTION_CUSTOM, "frames", 0, "KIND", 0, 0, 0, check_frames,
   "what clients are sent: binary, text, lines (each\n"
   "line a message, and each message a line), base64,\n"
   "or auto (binary, but text if the client's first\n"
   "message is text) [binary]"},
  {OPTION_CUSTOM, "line-end", 0, "END", 0, 0, 0, check_line_end,
   "lines: line end added to the client's messages: lf,\n"
   "crlf or cr [lf]"},
  {OPTION_SIZE, "max-line", 0, "BYTES", FIELD(max_line), 1, 16 * MEGABYTE, NULL,
   "lines: longest line in one message; longer ones are\n"
   "split, as over --max-frame-size [64K]"},
  {OPTION_CUSTOM, "invalid-utf8", 0, "HOW", 0, 0, 0, check_invalid_utf8,
   "if the target's text is not UTF-8: replace (by\n"
   "U+FFFD) or close (with Close 1007) [replace]"},
};
/* clang-format on */

const struct option_group option_group_frames = {specs, sizeof specs / sizeof specs[0], check, fill};
