/* SPDX-License-Identifier: MIT */
#include "actor/tcp_input.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* A connection with little to say costs little; one that fills what it is offered is offered more.
 */
#define CHUNK_MIN ((size_t)4096)
#define CHUNK_MAX ((size_t)65536)

/* ----------------------------------------------------------------------------- reading */

static int grow(pierrot *rt, struct pr_input *input, size_t capacity)
{
    char *bytes = pierrot_shared_alloc(rt, capacity);
    if (!bytes)
        return PIERROT_ENOMEM;
    if (input->capacity > 0) {
        memcpy(bytes, input->bytes + input->start, input->len);
        pierrot_shared_free(rt, input->bytes, input->capacity);
    }
    input->bytes = bytes;
    input->capacity = capacity;
    input->start = 0;
    return 0;
}

/* Room for one chunk behind what is there. What lies far from the start is moved there: never more
 * than was taken since the last time. */
static int make_room(pierrot *rt, struct pr_input *input)
{
    if (input->chunk == 0)
        input->chunk = CHUNK_MIN;
    if (input->capacity - input->start - input->len >= input->chunk)
        return 0;
    if (input->len + input->chunk <= input->capacity && input->start >= input->len) {
        memmove(input->bytes, input->bytes + input->start, input->len);
        input->start = 0;
        return 0;
    }
    size_t wanted = input->len + input->chunk;
    return grow(rt, input, wanted < input->len * 2 ? input->len * 2 : wanted);
}

long pr_input_read(pierrot *rt, struct pr_input *input, int fd)
{
    ssize_t n;
    if (make_room(rt, input) != 0)
        return PIERROT_ENOMEM;
    do
        n = recv(fd, input->bytes + input->start + input->len, input->chunk, 0);
    while (n < 0 && errno == EINTR);
    int error = n < 0 ? -errno : 0;
    if (n > 0)
        input->len += (size_t)n;
    else if (input->len == 0)
        pr_input_clear(rt, input);
    if (n > 0 && (size_t)n == input->chunk && input->chunk < CHUNK_MAX)
        input->chunk *= 2;
    else if (n > 0 && (size_t)n < input->chunk / 4 && input->chunk > CHUNK_MIN)
        input->chunk /= 2;
    return error ? error : (long)n;
}

void pr_input_take(pierrot *rt, struct pr_input *input, size_t n)
{
    input->start += n;
    input->len -= n;
    input->scanned = input->scanned > n ? input->scanned - n : 0;
    if (input->len == 0)
        pr_input_clear(rt, input);
}

void pr_input_clear(pierrot *rt, struct pr_input *input)
{
    if (input->capacity > 0)
        pierrot_shared_free(rt, input->bytes, input->capacity);
    *input = (struct pr_input){.chunk = input->chunk};
}

/* ----------------------------------------------------------------------------- packets */

static enum pr_packet_found find_raw(const struct pr_input *input, size_t wanted,
                                     struct pr_packet *packet)
{
    packet->bytes = input->bytes + input->start;
    packet->len = packet->total = wanted > 0 ? wanted : input->len > 0 ? input->len : 1;
    return input->len >= packet->total ? PR_PACKET_READY : PR_PACKET_NONE;
}

/* The end is LF, or CR LF. */
static enum pr_packet_found find_line(struct pr_input *input, size_t max, struct pr_packet *packet)
{
    const char *bytes = input->bytes + input->start;
    const char *end = NULL;
    if (input->len > input->scanned)
        end = memchr(bytes + input->scanned, '\n', input->len - input->scanned);
    if (!end) {
        input->scanned = input->len;
        packet->total = max + 2;
        return input->len >= packet->total ? PR_PACKET_TOO_LONG : PR_PACKET_NONE;
    }
    size_t len = (size_t)(end - bytes);
    packet->bytes = bytes;
    packet->total = len + 1;
    packet->len = len > 0 && bytes[len - 1] == '\r' ? len - 1 : len;
    input->scanned = len;
    return packet->len > max ? PR_PACKET_TOO_LONG : PR_PACKET_READY;
}

static enum pr_packet_found find_counted(const struct pr_input *input, size_t header, size_t max,
                                         struct pr_packet *packet)
{
    const unsigned char *bytes = (const unsigned char *)input->bytes + input->start;
    size_t len = 0;
    packet->total = header;
    if (input->len < header)
        return PR_PACKET_NONE;
    for (size_t i = 0; i < header; i++)
        len = len << 8 | bytes[i];
    packet->bytes = (const char *)bytes + header;
    packet->len = len;
    packet->total = header + len;
    if (len > max)
        return PR_PACKET_TOO_LONG;
    return input->len >= packet->total ? PR_PACKET_READY : PR_PACKET_NONE;
}

enum pr_packet_found pr_input_find(struct pr_input *input, const struct pr_packet_rule *rule,
                                   struct pr_packet *packet)
{
    if (rule->mode == PR_PACKET_RAW)
        return find_raw(input, rule->wanted, packet);
    if (rule->mode == PR_PACKET_LINE)
        return find_line(input, rule->max, packet);
    return find_counted(input, (size_t)rule->mode, rule->max, packet);
}

int pr_packet_header(int mode, size_t len, unsigned char header[4])
{
    if (mode == PR_PACKET_RAW || mode == PR_PACKET_LINE)
        return 0;
    if (len >> 8 * mode != 0)
        return -1;
    for (int i = 0; i < mode; i++)
        header[i] = (unsigned char)(len >> 8 * (mode - 1 - i));
    return mode;
}
