/* SPDX-License-Identifier: MIT
 *
 * What has come in and was not asked for yet, and how it falls into packets. */
#ifndef PR_TCP_INPUT_H
#define PR_TCP_INPUT_H

#include "pierrot.h"

/* bytes[start .. start + len) are there; capacity 0: nothing is allocated, as it is while nothing
 * is there. */
struct pr_input {
    char *bytes;
    size_t start;
    size_t len;
    size_t capacity;
    size_t scanned; /* of len, in which no end of a line was found */
    size_t chunk;   /* how much to ask the system for at a time */
};

/* 1, 2 and 4 are themselves. */
enum pr_packet_mode { PR_PACKET_RAW = 0, PR_PACKET_LINE = 3 };

/* How the next packet ends. */
struct pr_packet_rule {
    int mode;
    size_t max;    /* the longest line or packet */
    size_t wanted; /* of raw: exactly so many bytes; 0: what is there */
};

struct pr_packet {
    const char *bytes; /* in the input */
    size_t len;
    size_t total; /* with its header or end: what it takes from the input */
};

enum pr_packet_found {
    PR_PACKET_NONE, /* packet->total bytes must be there before there can be one */
    PR_PACKET_READY,
    PR_PACKET_TOO_LONG
};

/* Reads once. More than 0: as many bytes; 0: the other side has ended; else an error. */
long pr_input_read(pierrot *rt, struct pr_input *input, int fd);

/* The first packet. It is good until the input changes. */
enum pr_packet_found pr_input_find(struct pr_input *input, const struct pr_packet_rule *rule,
                                   struct pr_packet *packet);

/* Takes n bytes away. */
void pr_input_take(pierrot *rt, struct pr_input *input, size_t n);

void pr_input_clear(pierrot *rt, struct pr_input *input);

/* The header of a packet that is sent: its length; -1: the mode has no packets so long. */
int pr_packet_header(int mode, size_t len, unsigned char header[4]);

#endif
