/* ops/log_line: both forms of a line, and JSON that is valid whatever a client wrote into the text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/log_line.h"

#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct timespec moment = {.tv_sec = 1795248930, .tv_nsec = 7999999};
#define STAMP "2026-11-21T08:15:30.007Z"

static size_t write_line(enum log_format format, uint64_t id, const char *text, char line[LOG_LINE_MAX + 1]) {
  memset(line, '#', LOG_LINE_MAX + 1);
  size_t len = log_line_write(format, &moment, LOG_WARN, id, text, line);
  assert_true(len > 0 && len <= LOG_LINE_MAX);
  assert_int_equal(line[LOG_LINE_MAX], '#');
  assert_ptr_equal(memchr(line, '\n', len), line + len - 1);
  line[len - 1] = '\0';
  return len - 1;
}

static void text_lines(void **state) {
  (void)state;
  char line[LOG_LINE_MAX + 1];
  write_line(LOG_FORMAT_TEXT, 0x1f, "session ended side=client", line);
  assert_string_equal(line, STAMP " warn  [1f] session ended side=client");
  write_line(LOG_FORMAT_TEXT, 0, "", line);
  assert_string_equal(line, STAMP " warn  ");
}

static const struct {
  const char *name, *text, *fields;
} forms[] = {
    {"words only", "accepting again", "\"event\":\"accepting again\""},
    {"nothing", "", "\"event\":\"\""},
    {"fields", "session ended side=backend code=1000",
     "\"event\":\"session ended\",\"side\":\"backend\",\"code\":1000"},
    {"fields only", "a=b", "\"event\":\"\",\"a\":\"b\""},
    {"no value", "x a= b=1", "\"event\":\"x\",\"a\":\"\",\"b\":1"},
    {"quoted", "x cause=\"Target closed\" up=5", "\"event\":\"x\",\"cause\":\"Target closed\",\"up\":5"},
    {"empty quotes", "x a=\"\"", "\"event\":\"x\",\"a\":\"\""},
    {"a field inside quotes", "x a=\"b c=d\" e=f", "\"event\":\"x\",\"a\":\"b c=d\",\"e\":\"f\""},
    {"a quoted number stays text", "x a=\"12\"", "\"event\":\"x\",\"a\":\"12\""},
    {"blanks without quotes", "x target=the line service n=1",
     "\"event\":\"x\",\"target\":\"the line service\",\"n\":1"},
    {"words behind quotes", "x a=\"b\" c", "\"event\":\"x\",\"a\":\"\\\"b\\\" c\""},
    {"several blanks", "x  a=b  c=d ", "\"event\":\"x\",\"a\":\"b\",\"c\":\"d\""},
    {"quotes in the words", "can't open \"a b=c\": no", "\"event\":\"can't open \\\"a b=c\\\": no\""},
    {"a lone quote", "a \" b=c", "\"event\":\"a \\\"\",\"b\":\"c\""},
    {"options in the words", "use --origin=x (A=b)", "\"event\":\"use --origin=x (A=b)\""},
    {"escaped quote", "x a=\"q\\\"b=c\\\" \" d=e", "\"event\":\"x\",\"a\":\"q\\\"b=c\\\" \",\"d\":\"e\""},
    {"escaped backslash at the end", "x a=\"q\\\\\" d=e", "\"event\":\"x\",\"a\":\"q\\\\\",\"d\":\"e\""},
    {"controls", "x a=\"\\r\\n\\t\\x00\\x1b\\x7f\"",
     "\"event\":\"x\",\"a\":\"\\u000d\\u000a\\u0009\\u0000\\u001b\\u007f\""},
    {"UTF-8", "x a=\"\\xc3\\xbc\\xe2\\x82\\xac\\xf0\\x9f\\x98\\x80\"",
     "\"event\":\"x\",\"a\":\"\\u00fc\\u20ac\\ud83d\\ude00\""},
    {"UTF-8 as it is", "x a=\xc3\xbc", "\"event\":\"x\",\"a\":\"\\u00fc\""},
    {"lone bytes", "x a=\"\\xff\\xc3\\x80\\xbf\"", "\"event\":\"x\",\"a\":\"\\\\xff\\u00c0\\\\xbf\""},
    {"lead byte at the end", "x a=\"\\xe2\\x82\"", "\"event\":\"x\",\"a\":\"\\\\xe2\\\\x82\""},
    {"overlong", "x a=\"\\xc0\\xaf\\xe0\\x80\\xaf\"",
     "\"event\":\"x\",\"a\":\"\\\\xc0\\\\xaf\\\\xe0\\\\x80\\\\xaf\""},
    {"surrogate", "x a=\"\\xed\\xa0\\x80\"", "\"event\":\"x\",\"a\":\"\\\\xed\\\\xa0\\\\x80\""},
    {"past the last character", "x a=\"\\xf4\\x90\\x80\\x80\"",
     "\"event\":\"x\",\"a\":\"\\\\xf4\\\\x90\\\\x80\\\\x80\""},
    {"an escape cut off", "x a=\"b\\xc...", "\"event\":\"x\",\"a\":\"b\\\\xc...\""},
    {"a backslash of ours", "x a=\"C:\\q\" b=\\", "\"event\":\"x\",\"a\":\"C:\\\\q\",\"b\":\"\\\\\""},
    {"a quote cut off", "x a=\"b c...", "\"event\":\"x\",\"a\":\"b c...\""},
    {"numbers", "x a=0 b=-7 c=18446744073709551615 d=1.50",
     "\"event\":\"x\",\"a\":0,\"b\":-7,\"c\":18446744073709551615,\"d\":1.50"},
    {"no numbers", "x a=0600 b=1.234s c=1. d=.5 e=- f=1e3 g=0x1f h=127.0.0.1:80",
     "\"event\":\"x\",\"a\":\"0600\",\"b\":\"1.234s\",\"c\":\"1.\",\"d\":\".5\",\"e\":\"-\",\"f\":\"1e3\","
     "\"g\":\"0x1f\",\"h\":\"127.0.0.1:80\""},
    {"a duration", "x duration=16.775s a=1.234s", "\"event\":\"x\",\"duration\":16.775,\"a\":\"1.234s\""},
    {"no duration", "x duration=s duration=\"1.5s\" duration=soon",
     "\"event\":\"x\",\"duration\":\"s\",\"duration\":\"1.5s\",\"duration\":\"soon\""},
    {"our own names", "x id=1 time=2 level=3 event=4",
     "\"event\":\"x\",\"id_\":1,\"time_\":2,\"level_\":3,\"event_\":4"},
};

static void json_lines(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(forms); i++) {
    char line[LOG_LINE_MAX + 1];
    write_line(LOG_FORMAT_JSON, 0x1f, forms[i].text, line);
    static const char head[] = "{\"time\":\"" STAMP "\",\"level\":\"warn\",\"id\":\"1f\",";
    print_message("%s\n", forms[i].name);
    assert_memory_equal(line, head, sizeof head - 1);
    char *fields = line + sizeof head - 1;
    assert_int_equal(fields[strlen(fields) - 1], '}');
    fields[strlen(fields) - 1] = '\0';
    assert_string_equal(fields, forms[i].fields);
  }
}

static void a_line_about_the_process_has_no_id(void **state) {
  (void)state;
  char line[LOG_LINE_MAX + 1];
  write_line(LOG_FORMAT_JSON, 0, "x", line);
  assert_string_equal(line, "{\"time\":\"" STAMP "\",\"level\":\"warn\",\"event\":\"x\"}");
}

/* Quotes balance and the object closes, wherever the cut falls. */
static void assert_object(const char *line, size_t len) {
  bool quoted = false;
  for (size_t i = 0; i < len; i++) {
    if (line[i] == '\\')
      i++;
    else if (line[i] == '"')
      quoted = !quoted;
  }
  assert_false(quoted);
  assert_int_equal(line[len - 1], '}');
}

/* Control characters grow sixfold: the line is cut, at every place in turn. */
static void a_line_too_long_stays_an_object(void **state) {
  (void)state;
  for (size_t start = 0; start < 24; start++) {
    char text[LOG_TEXT_MAX], line[LOG_LINE_MAX + 1];
    memset(text, '\x01', sizeof text);
    memset(text, 'x', start);
    memcpy(text + start, " a=\"", 4);
    memcpy(text + sizeof text - 7, "\" b=12", 7);
    size_t len = write_line(LOG_FORMAT_JSON, UINT64_MAX, text, line);
    assert_object(line, len);
    assert_true(len > LOG_LINE_MAX - 40);
    assert_non_null(strstr(line, "...\"}"));
  }
}

/* Short fields: behind the cut there is none. */
static void fields_too_many_are_left_out(void **state) {
  (void)state;
  char text[LOG_TEXT_MAX], line[LOG_LINE_MAX + 1];
  for (size_t i = 0; i < sizeof text; i++)
    text[i] = "a=\x01 "[i % 4];
  text[sizeof text - 1] = '\0';
  assert_object(line, write_line(LOG_FORMAT_JSON, 1, text, line));
}

static void the_longest_text_fits_as_text(void **state) {
  (void)state;
  char text[LOG_TEXT_MAX], line[LOG_LINE_MAX + 1];
  memset(text, 'x', sizeof text);
  text[sizeof text - 1] = '\0';
  write_line(LOG_FORMAT_TEXT, UINT64_MAX, text, line);
  assert_non_null(strstr(line, text));
}

static void formats_by_name(void **state) {
  (void)state;
  enum log_format format = LOG_FORMAT_JSON;
  assert_true(log_format_parse("text", &format));
  assert_int_equal(format, LOG_FORMAT_TEXT);
  assert_true(log_format_parse("json", &format));
  assert_int_equal(format, LOG_FORMAT_JSON);
  assert_false(log_format_parse("JSON", &format));
  assert_false(log_format_parse("", &format));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(text_lines),
      cmocka_unit_test(json_lines),
      cmocka_unit_test(a_line_about_the_process_has_no_id),
      cmocka_unit_test(a_line_too_long_stays_an_object),
      cmocka_unit_test(fields_too_many_are_left_out),
      cmocka_unit_test(the_longest_text_fits_as_text),
      cmocka_unit_test(formats_by_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
