/* See app/wrap/program_file.h. */
#include "app/wrap/program_file.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/error.h"
#include "net/program/child_stage.h"

#define FIRST_LINE_MAX   256 /* Linux: BINPRM_BUF_SIZE */
#define SCRIPTS_MAX      4   /* interpreters that are scripts; Linux allows as many */
#define SEGMENTS_MAX     256 /* more have no programs */
#define DYNAMIC_TAGS_MAX 512
#define NOTES_MAX        64

/* ---- ELF ---- */

static bool read_at(int fd, void *into, size_t len, uint64_t at) {
  return at <= INT64_MAX && pread(fd, into, len, (off_t)at) == (ssize_t)len;
}

/* Names and contents of notes fill up words. */
static uint64_t padded(uint64_t len) {
  return (len + 3) / 4 * 4;
}

static bool read_header(int fd, ElfW(Ehdr) * header) {
  return read_at(fd, header, sizeof *header, 0) && memcmp(header->e_ident, ELFMAG, SELFMAG) == 0;
}

/* Whether it is of our own kind: class, byte order, machine. */
static bool is_our_kind(const ElfW(Ehdr) * header) {
  ElfW(Ehdr) own;
  int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  bool known = fd >= 0 && read_header(fd, &own);
  if (fd >= 0) close(fd);
  return !known ||
         (own.e_machine == header->e_machine && own.e_ident[EI_CLASS] == header->e_ident[EI_CLASS] &&
          own.e_ident[EI_DATA] == header->e_ident[EI_DATA]);
}

/* Whether the linker marked it as a program: a static one that may lie anywhere. What has no loader and is
 * not marked is a loader itself (ld.so PROGRAM), and that one preloads. */
static bool is_marked_program(int fd, const ElfW(Phdr) * dynamic) {
  for (size_t i = 0; i < DYNAMIC_TAGS_MAX && (i + 1) * sizeof(ElfW(Dyn)) <= dynamic->p_filesz; i++) {
    ElfW(Dyn) tag;
    if (!read_at(fd, &tag, sizeof tag, dynamic->p_offset + i * sizeof tag) || tag.d_tag == DT_NULL)
      return false;
    if (tag.d_tag == DT_FLAGS_1) return (tag.d_un.d_val & DF_1_PIE) != 0;
  }
  return false;
}

/* Go's linker leaves a note of its own. What it makes asks the kernel itself, whatever is loaded beside it.
 */
static bool has_note_of_go(int fd, const ElfW(Phdr) * notes) {
  static const char name[4] = "Go";
  uint64_t at = notes->p_offset, end = at + notes->p_filesz;
  for (int i = 0; i < NOTES_MAX && at < end; i++) {
    ElfW(Nhdr) note;
    char owner[sizeof name];
    if (!read_at(fd, &note, sizeof note, at)) return false;
    at += sizeof note;
    if (note.n_namesz == sizeof name && read_at(fd, owner, sizeof owner, at) &&
        memcmp(owner, name, sizeof name) == 0)
      return true;
    at += padded(note.n_namesz) + padded(note.n_descsz);
  }
  return false;
}

/* What the segments tell. */
struct traits {
  bool has_loader, is_program, is_go;
};

static struct traits read_traits(int fd, const ElfW(Ehdr) * header) {
  struct traits traits = {.is_program = header->e_type == ET_EXEC};
  if (header->e_phentsize != sizeof(ElfW(Phdr))) return traits;
  for (size_t i = 0; i < header->e_phnum && i < SEGMENTS_MAX; i++) {
    ElfW(Phdr) segment;
    if (!read_at(fd, &segment, sizeof segment, header->e_phoff + i * sizeof segment)) break;
    traits.has_loader |= segment.p_type == PT_INTERP;
    if (segment.p_type == PT_DYNAMIC) traits.is_program |= is_marked_program(fd, &segment);
    if (segment.p_type == PT_NOTE) traits.is_go |= has_note_of_go(fd, &segment);
  }
  return traits;
}

/* The loader's rule: whoever gets rights by the file that the caller has not is protected from the caller. */
static bool is_privileged(int fd) {
  struct stat about;
  if (fstat(fd, &about) != 0) return false;
  if ((about.st_mode & S_ISUID) != 0 && about.st_uid != geteuid()) return true;
  if ((about.st_mode & S_ISGID) != 0 && (about.st_mode & S_IXGRP) != 0 && about.st_gid != getegid())
    return true;
  return geteuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0;
}

static enum preloading judge_elf(int fd, const ElfW(Ehdr) * header) {
  if (!is_our_kind(header)) return PRELOADING_OTHER_KIND;
  struct traits traits = read_traits(fd, header);
  if (traits.is_program && !traits.has_loader) return PRELOADING_STATIC;
  if (traits.is_go) return PRELOADING_UNHEARD;
  return is_privileged(fd) ? PRELOADING_PRIVILEGED : PRELOADING_WORKS;
}

/* ---- scripts ---- */

/* The next word of a line, cut out of it; NULL at its end. */
static char *next_word(char **line) {
  char *word;
  do {
    word = strsep(line, " \t\r");
  } while (word != NULL && word[0] == '\0');
  return word;
}

/* "#!/usr/bin/env [-S] [NAME=value...] python3": the program that is looked for. */
static bool find_behind_env(char *line, const char *search, char path[PATH_MAX]) {
  for (char *word; (word = next_word(&line)) != NULL;) {
    if (word[0] == '-' || strchr(word, '=') != NULL) continue;
    return child_find(word, search, path, PATH_MAX) == WSL_OK;
  }
  return false;
}

/* The file that a script's first line leads to. False: it is no script, or leads to nothing. */
static bool follow_script(int fd, const char *search, char path[PATH_MAX]) {
  char line[FIRST_LINE_MAX + 1] = "";
  ssize_t len = pread(fd, line, FIRST_LINE_MAX, 0);
  if (len < 2 || line[0] != '#' || line[1] != '!') return false;
  line[strcspn(line, "\n")] = '\0';
  char *rest = line + 2, *interpreter = next_word(&rest);
  if (interpreter == NULL) return false;
  const char *name = strrchr(interpreter, '/');
  if (name != NULL && strcmp(name, "/env") == 0) return find_behind_env(rest, search, path);
  return snprintf(path, PATH_MAX, "%s", interpreter) < PATH_MAX;
}

enum preloading program_file_judge(const char *path, const char *search, char judged[PATH_MAX]) {
  snprintf(judged, PATH_MAX, "%s", path);
  for (int depth = 0; depth <= SCRIPTS_MAX; depth++) {
    ElfW(Ehdr) header;
    int fd = open(judged, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) return PRELOADING_WORKS;
    bool is_elf = read_header(fd, &header);
    enum preloading verdict = is_elf ? judge_elf(fd, &header) : PRELOADING_WORKS;
    bool goes_on = !is_elf && follow_script(fd, search, judged);
    close(fd);
    if (!goes_on) return verdict;
  }
  return PRELOADING_WORKS;
}

const char *preloading_text(enum preloading preloading) {
  switch (preloading) {
    case PRELOADING_STATIC:
      return "is statically linked";
    case PRELOADING_UNHEARD:
      return "is a Go program, which makes system calls without libraries";
    case PRELOADING_OTHER_KIND:
      return "is built for another processor than wsluice";
    case PRELOADING_PRIVILEGED:
      return "gets rights by its file (set-user-id, set-group-id or capabilities)";
    case PRELOADING_WORKS:
      break;
  }
  return "takes it";
}
