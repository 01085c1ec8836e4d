/* The table behind codec/chars.h, written out: one row for sixteen bytes. */
#include "codec/chars.h"

#define C 0                                                   /* control characters: nowhere */
#define B CHAR_VALUE                                          /* blanks, and bytes over 7F (obs-text) */
#define A (CHAR_TOKEN | CHAR_TARGET | CHAR_VALUE | CHAR_HOST) /* letters, digits, ! $ & ' * + - . _ ~ */
#define P (CHAR_TOKEN | CHAR_TARGET | CHAR_VALUE)             /* % ^ ` | */
#define N (CHAR_TOKEN | CHAR_VALUE)                           /* # begins a fragment: never in a target */
#define D (CHAR_TARGET | CHAR_VALUE | CHAR_HOST)              /* ( ) , ; = */
#define S (CHAR_TARGET | CHAR_VALUE)                          /* " / : < > ? @ [ \ ] { } */

/* clang-format off */
const uint8_t char_classes[256] = {
    C, C, C, C, C, C, C, C, C, B, C, C, C, C, C, C, /* 00 */
    C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, /* 10 */
    B, A, S, N, A, P, A, A, D, D, A, A, D, A, A, S, /* 20 */
    A, A, A, A, A, A, A, A, A, A, S, D, S, D, S, S, /* 30 */
    S, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, /* 40 */
    A, A, A, A, A, A, A, A, A, A, A, S, S, S, P, A, /* 50 */
    P, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, /* 60 */
    A, A, A, A, A, A, A, A, A, A, A, S, P, S, A, C, /* 70 */
    B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, /* 80 */
    B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, /* 90 */
    B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, /* A0 */
    B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, /* B0 */
    B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, /* C0 */
    B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, /* D0 */
    B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, /* E0 */
    B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, /* F0 */
};
/* clang-format on */
