/*
 * Loads a daemon with messages that were encoded before, so that what is measured is the daemon and not its client.
 *
 * Arguments: socket, connections, calls under way on each of them, subscribers (further connections, which only listen),
 * and three files of whole messages: what each connection says first, what a subscriber says behind it, and the calls,
 * which are made in turn.
 *
 * Each line on standard input asks for one round: for so many milliseconds, or, when it is negative, of so many calls.
 * With subscribers each call has to lead to one event for each of them. The answer is one line: calls, events, and the
 * nanoseconds until the last of both had come.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 28, CONNECTIONS = 1024, FRAMES = 16384 };
/* Words of a header, and the type of an event. */
enum { PROCEDURE = 3, TYPE = 4, SERIAL = 5, STATUS = 6, EVENT = 2 };

struct frames {
    char *bytes;
    int count;
    uint32_t start[FRAMES + 1];
};

struct connection {
    int fd;
    int calls_under_way;
    /* Of the message that is being read: header, how much of it is there, and how much else is left. */
    uint32_t header[HEADER / 4];
    size_t have;
    size_t left;
};

static struct frames hello, subscribe, loop;
static struct connection connections[CONNECTIONS];
static int callers, window, subscribers, queue;
static long calls_left, calls, events;
static uint32_t serial;
static int next_frame;
static char buffer[1 << 20];

static void fail(const char *what)
{
    fprintf(stderr, "rpc-load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e9 + now.tv_nsec;
}

static uint32_t word(const void *at)
{
    const unsigned char *bytes = at;
    return (uint32_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

static void load(struct frames *frames, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END))
        fail(path);
    long size = ftell(file);
    rewind(file);
    frames->bytes = malloc(size + 1);
    if (!frames->bytes || fread(frames->bytes, 1, size, file) != (size_t)size)
        fail(path);
    fclose(file);
    for (uint32_t at = 0; at < size && frames->count < FRAMES; at += word(frames->bytes + at))
        frames->start[frames->count++] = at;
    frames->start[frames->count] = size;
}

static void send_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0)
            fail("send");
        bytes += sent;
        length -= sent;
    }
}

/* Several calls leave in one piece, each with a serial of its own. */
static void send_calls(struct connection *to, int wanted)
{
    static char out[1 << 18];
    size_t length = 0;
    for (; wanted > 0 && calls_left > 0; wanted--, calls_left--, to->calls_under_way++) {
        uint32_t start = loop.start[next_frame];
        size_t size = loop.start[next_frame + 1] - start;
        if (length + size > sizeof(out)) {
            send_all(to->fd, out, length);
            length = 0;
        }
        memcpy(out + length, loop.bytes + start, size);
        uint32_t mine = ++serial;
        for (int byte = 0; byte < 4; byte++)
            out[length + 4 * SERIAL + byte] = mine >> (24 - 8 * byte);
        length += size;
        next_frame = (next_frame + 1) % loop.count;
    }
    send_all(to->fd, out, length);
}

/* Returns how many replies have come to their end. */
static int take(struct connection *from)
{
    ssize_t length = recv(from->fd, buffer, sizeof(buffer), 0);
    if (length <= 0)
        fail(length == 0 ? "the daemon has hung up" : "recv");
    int replies = 0;
    for (char *at = buffer; length > 0;) {
        if (from->have < HEADER) {
            size_t part = HEADER - from->have < (size_t)length ? HEADER - from->have : (size_t)length;
            memcpy((char *)from->header + from->have, at, part);
            from->have += part;
            at += part;
            length -= part;
            if (from->have < HEADER)
                return replies;
            from->left = word(from->header) - HEADER;
        }
        size_t part = from->left < (size_t)length ? from->left : (size_t)length;
        from->left -= part;
        at += part;
        length -= part;
        if (from->left > 0)
            return replies;
        from->have = 0;
        if (word(from->header + STATUS) != 0) {
            fprintf(stderr, "rpc-load: procedure %u was refused\n", word(from->header + PROCEDURE));
            exit(1);
        }
        if (word(from->header + TYPE) == EVENT)
            events++;
        else
            replies++;
    }
    return replies;
}

static void say(struct connection *to, const struct frames *frames)
{
    for (int frame = 0; frame < frames->count; frame++) {
        uint32_t start = frames->start[frame];
        send_all(to->fd, frames->bytes + start, frames->start[frame + 1] - start);
        while (take(to) == 0)
            ;
    }
}

static void open_connection(struct connection *made, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
    made->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (made->fd < 0 || connect(made->fd, (struct sockaddr *)&address, sizeof(address)))
        fail(path);
    say(made, &hello);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = made };
    if (epoll_ctl(queue, EPOLL_CTL_ADD, made->fd, &event))
        fail("epoll_ctl");
}

static void round_of(double milliseconds)
{
    struct epoll_event ready[64];
    double start = now_ns();
    double end = milliseconds > 0 ? start + milliseconds * 1e6 : 1e300;
    calls_left = milliseconds > 0 ? INT64_MAX : (long)-milliseconds;
    calls = events = 0;
    long under_way = 0;
    for (int index = 0; index < callers; index++) {
        send_calls(&connections[index], window);
        under_way += connections[index].calls_under_way;
    }
    while (under_way > 0 || events < calls * subscribers) {
        int count = epoll_wait(queue, ready, 64, 10000);
        if (count <= 0)
            fail("nothing has come for 10 s");
        /* A round in time ends with a whole turn of the calls, so that the next one finds things as they were. */
        if (now_ns() >= end) {
            calls_left = (loop.count - next_frame) % loop.count;
            end = 1e300;
        }
        for (int index = 0; index < count; index++) {
            struct connection *from = ready[index].data.ptr;
            int replies = take(from);
            from->calls_under_way -= replies;
            calls += replies;
            long before = from->calls_under_way;
            if (replies > 0)
                send_calls(from, replies);
            under_way += from->calls_under_way - before - replies;
        }
    }
    printf("%ld %ld %.0f\n", calls, events, now_ns() - start);
    fflush(stdout);
}

int main(int count, char **arguments)
{
    if (count != 8)
        return 1;
    callers = atoi(arguments[2]);
    window = atoi(arguments[3]);
    subscribers = atoi(arguments[4]);
    if (callers + subscribers > CONNECTIONS)
        return 1;
    load(&hello, arguments[5]);
    load(&subscribe, arguments[6]);
    load(&loop, arguments[7]);
    queue = epoll_create1(EPOLL_CLOEXEC);
    for (int index = 0; index < callers + subscribers; index++)
        open_connection(&connections[index], arguments[1]);
    for (int index = callers; index < callers + subscribers; index++)
        say(&connections[index], &subscribe);
    char line[64];
    while (fgets(line, sizeof(line), stdin))
        round_of(atof(line));
    return 0;
}
