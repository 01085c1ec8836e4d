/* See core/http_date.h. */
#include "core/http_date.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define YEAR_BASE 1900 /* of struct tm */

static const char day_names[] = "SunMonTueWedThuFriSat";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* Not strftime() and strptime(): their names of days and months follow the locale. */
void http_date_write(int64_t seconds, char out[HTTP_DATE_SIZE]) {
  struct tm tm;
  time_t time = (time_t)seconds;
  char text[96];
  gmtime_r(&time, &tm);
  snprintf(text, sizeof text, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", day_names + 3 * tm.tm_wday,
           tm.tm_mday, month_names + 3 * tm.tm_mon, tm.tm_year + YEAR_BASE, tm.tm_hour, tm.tm_min, tm.tm_sec);
  memcpy(out, text, HTTP_DATE_SIZE - 1);
  out[HTTP_DATE_SIZE - 1] = '\0';
}

/* ---- reading: each function takes its piece from the front, and false leaves nothing usable ---- */

static bool take_text(struct wsl_span *rest, const char *text) {
  size_t len = strlen(text);
  if (rest->len < len || memcmp(rest->at, text, len) != 0) return false;
  *rest = (struct wsl_span){rest->at + len, rest->len - len};
  return true;
}

static bool take_digits(struct wsl_span *rest, size_t count, int *number) {
  *number = 0;
  if (rest->len < count) return false;
  for (size_t i = 0; i < count; i++) {
    if (rest->at[i] < '0' || rest->at[i] > '9') return false;
    *number = *number * 10 + (rest->at[i] - '0');
  }
  *rest = (struct wsl_span){rest->at + count, rest->len - count};
  return true;
}

static bool take_year(struct wsl_span *rest, int *year) {
  if (!take_digits(rest, 4, year)) return false;
  *year -= YEAR_BASE;
  return true;
}

/* One of names[], three letters each (case matters, 5.6.7); counted from 0. */
static bool take_name(struct wsl_span *rest, const char *names, int *number) {
  for (int i = 0; names[3 * i] != '\0'; i++) {
    char name[4] = {names[3 * i], names[3 * i + 1], names[3 * i + 2], '\0'};
    *number = i;
    if (take_text(rest, name)) return true;
  }
  return false;
}

static bool take_time(struct wsl_span *rest, struct tm *tm) {
  return take_digits(rest, 2, &tm->tm_hour) && take_text(rest, ":") && take_digits(rest, 2, &tm->tm_min) &&
         take_text(rest, ":") && take_digits(rest, 2, &tm->tm_sec);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool read_fixdate(struct wsl_span rest, struct tm *tm) {
  int weekday;
  return take_name(&rest, day_names, &weekday) && take_text(&rest, ", ") &&
         take_digits(&rest, 2, &tm->tm_mday) && take_text(&rest, " ") &&
         take_name(&rest, month_names, &tm->tm_mon) && take_text(&rest, " ") &&
         take_year(&rest, &tm->tm_year) && take_text(&rest, " ") && take_time(&rest, tm) &&
         take_text(&rest, " GMT") && rest.len == 0;
}

static bool take_long_day(struct wsl_span *rest) {
  static const char *const names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (take_text(rest, names[i])) return true;
  }
  return false;
}

/* "Sunday, 06-Nov-94 08:49:37 GMT" */
static bool read_rfc850(struct wsl_span rest, int64_t now, struct tm *tm) {
  bool is_one = take_long_day(&rest) && take_text(&rest, ", ") && take_digits(&rest, 2, &tm->tm_mday) &&
                take_text(&rest, "-") && take_name(&rest, month_names, &tm->tm_mon) &&
                take_text(&rest, "-") && take_digits(&rest, 2, &tm->tm_year) && take_text(&rest, " ") &&
                take_time(&rest, tm) && take_text(&rest, " GMT") && rest.len == 0;
  if (!is_one) return false;
  struct tm today;
  time_t time = (time_t)now;
  gmtime_r(&time, &today);
  tm->tm_year += today.tm_year - today.tm_year % 100;
  if (tm->tm_year > today.tm_year + 50) tm->tm_year -= 100;
  return true;
}

/* "Sun Nov  6 08:49:37 1994" */
static bool read_asctime(struct wsl_span rest, struct tm *tm) {
  int weekday;
  if (!take_name(&rest, day_names, &weekday) || !take_text(&rest, " ") ||
      !take_name(&rest, month_names, &tm->tm_mon) || !take_text(&rest, " "))
    return false;
  if (!take_digits(&rest, 2, &tm->tm_mday) && !(take_text(&rest, " ") && take_digits(&rest, 1, &tm->tm_mday)))
    return false;
  return take_text(&rest, " ") && take_time(&rest, tm) && take_text(&rest, " ") &&
         take_year(&rest, &tm->tm_year) && rest.len == 0;
}

/* timegm() takes any numbers and sets them right; of a date that it had to set right there was none. A leap
 * second is taken for the second before. */
static bool to_seconds(struct tm *tm, int64_t *seconds) {
  if (tm->tm_sec == 60) tm->tm_sec = 59;
  struct tm right = *tm;
  *seconds = timegm(&right);
  return right.tm_mon == tm->tm_mon && right.tm_mday == tm->tm_mday && right.tm_hour == tm->tm_hour &&
         right.tm_min == tm->tm_min && right.tm_sec == tm->tm_sec;
}

bool http_date_read(struct wsl_span text, int64_t now, int64_t *seconds) {
  struct tm tm = {0};
  if (!read_fixdate(text, &tm) && !read_rfc850(text, now, &tm) && !read_asctime(text, &tm)) return false;
  return to_seconds(&tm, seconds);
}
