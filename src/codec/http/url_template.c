/* See codec/http/url_template.h. */
#include "codec/http/url_template.h"

#include "codec/http/percent.h"

/* "%%" and "%s"; both are two bytes. */
#define MARK_LEN 2u

/* Takes the marks out; returns how many places there are, the last at template->mark. */
static size_t take_marks(const char *source, struct url_template *template) {
  size_t places = 0;
  for (const char *at = source; *at != '\0';) {
    if (at[0] == '%' && at[1] == 's') {
      template->mark = template->len;
      places++;
      at += MARK_LEN;
      continue;
    }
    template->text[template->len++] = *at;
    at += at[0] == '%' && at[1] == '%' ? MARK_LEN : 1;
  }
  return places;
}

const char *url_template_read(const char *source, char *out, struct url_template *template) {
  *template = (struct url_template){.text = out};
  size_t places = take_marks(source, template);
  struct wsl_span text = {out, template->len};
  struct url url;
  const char *why = url_read(text, &url);
  if (why != NULL) return why;
  if (places != 1) return "the URL must have one %s in its path or query, where the token goes";
  size_t from = (size_t)(url.target.at - out);
  bool is_inside = template->mark > from && template->mark <= from + url.target.len;
  return is_inside ? NULL : "%s must stand in the path or the query";
}

size_t url_template_room(const struct url_template *template, size_t token_len) {
  return template->len + percent_room(token_len);
}

size_t url_template_fill(const struct url_template *template, struct wsl_span token, char *out) {
  memcpy(out, template->text, template->mark);
  size_t len = template->mark + percent_encode(token, out + template->mark);
  size_t rest = template->len - template->mark;
  memcpy(out + len, template->text + template->mark, rest);
  return len + rest;
}
