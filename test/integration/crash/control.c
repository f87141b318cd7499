/*
 * What rounds.ts does, in C: so many guests created, unpaused and destroyed at once, asynchronously, through hooks of our
 * own on one epoll, round after round. If this crashes where that does, the cause is none of Node's, koffi's or ours.
 *
 *     control GUESTS ROUNDS CONFIG-AS-JSON      ("%d" in it becomes the guest's number)
 */
#include <errno.h>
#include <libxl.h>
#include <libxl_event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <unistd.h>
#include <xentoollog.h>

enum { SLOTS = 256 };

/* A registration; `generation` grows when it ends, so that what epoll has reported for the last one reaches nobody. */
static struct slot {
    enum { FREE, DESCRIPTOR, ALWAYS_READY, TIMEOUT } kind;
    unsigned generation;
    int fd;
    short events;
    struct timeval at;
    void *for_libxl;
} slots[SLOTS];

static libxl_ctx *context;
static int epoll_fd;
static int pending, failures;

static struct slot *new_slot(int kind, void *for_libxl)
{
    for (int index = 0; index < SLOTS; index++) {
        if (slots[index].kind == FREE) {
            slots[index].kind = kind;
            slots[index].for_libxl = for_libxl;
            return &slots[index];
        }
    }
    abort();
}

static void end_slot(struct slot *slot)
{
    slot->kind = FREE;
    slot->generation++;
}

static int control(struct slot *slot, int operation)
{
    struct epoll_event event = { 0 };
    if (slot->events & POLLIN)
        event.events |= EPOLLIN;
    if (slot->events & POLLOUT)
        event.events |= EPOLLOUT;
    event.data.u64 = (uint64_t)slot->generation << 32 | (slot - slots);
    return epoll_ctl(epoll_fd, operation, slot->fd, &event);
}

static int fd_register(void *user, int fd, void **out, short events, void *for_libxl)
{
    struct slot *slot = new_slot(DESCRIPTOR, for_libxl);
    slot->fd = fd;
    slot->events = events;
    if (control(slot, EPOLL_CTL_ADD)) {
        if (errno != EPERM)
            abort();
        slot->kind = ALWAYS_READY;
    }
    *out = slot;
    return 0;
}

static int fd_modify(void *user, int fd, void **update, short events)
{
    struct slot *slot = *update;
    slot->events = events;
    if (slot->kind == DESCRIPTOR && control(slot, EPOLL_CTL_MOD))
        abort();
    return 0;
}

static void fd_deregister(void *user, int fd, void *for_app)
{
    struct slot *slot = for_app;
    if (slot->kind == DESCRIPTOR)
        epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    end_slot(slot);
}

static int timeout_register(void *user, void **out, struct timeval at, void *for_libxl)
{
    struct slot *slot = new_slot(TIMEOUT, for_libxl);
    slot->at = at;
    *out = slot;
    return 0;
}

static int timeout_modify(void *user, void **update, struct timeval at)
{
    ((struct slot *)*update)->at = at;
    return 0;
}

static void timeout_deregister(void *user, void *for_app)
{
    abort();
}

static void event_occurs(void *user, libxl_event *event)
{
    libxl_event_free(context, event);
}

static void disaster(void *user, libxl_event_type type, const char *message, int number)
{
    fprintf(stderr, "disaster: %s\n", message);
    abort();
}

static void ended(libxl_ctx *ctx, int rc, void *for_callback)
{
    pending--;
    failures += rc != 0;
}

static int milliseconds_to_wait(void)
{
    struct timeval now;
    long least = 60000;
    gettimeofday(&now, NULL);
    for (struct slot *slot = slots; slot < slots + SLOTS; slot++) {
        long left = slot->kind == TIMEOUT
            ? (slot->at.tv_sec - now.tv_sec) * 1000 + (slot->at.tv_usec - now.tv_usec + 999) / 1000
            : slot->kind == ALWAYS_READY && slot->events ? 0 : least;
        least = left < least ? left : least;
    }
    return least < 0 ? 0 : least;
}

static void serve_descriptors(struct epoll_event *ready, int count, int signal_fd)
{
    for (int index = 0; index < count; index++) {
        struct slot *slot = &slots[(uint32_t)ready[index].data.u64 % SLOTS];
        if (ready[index].data.u64 == UINT64_MAX) {
            struct signalfd_siginfo information;
            if (read(signal_fd, &information, sizeof information) > 0)
                libxl_childproc_sigchld_occurred(context);
            continue;
        }
        if (slot->kind != DESCRIPTOR || slot->generation != ready[index].data.u64 >> 32)
            continue;
        short happened = ready[index].events & EPOLLIN ? POLLIN : 0;
        happened |= (ready[index].events & EPOLLOUT ? POLLOUT : 0) | (ready[index].events & EPOLLERR ? POLLERR : 0)
            | (ready[index].events & EPOLLHUP ? POLLHUP : 0);
        libxl_osevent_occurred_fd(context, slot->for_libxl, slot->fd, slot->events, happened);
    }
}

static void serve_others(void)
{
    struct timeval now;
    gettimeofday(&now, NULL);
    for (struct slot *slot = slots; slot < slots + SLOTS; slot++) {
        if (slot->kind == ALWAYS_READY && slot->events)
            libxl_osevent_occurred_fd(context, slot->for_libxl, slot->fd, slot->events, slot->events);
        if (slot->kind == TIMEOUT && !timercmp(&slot->at, &now, >)) {
            end_slot(slot);
            libxl_osevent_occurred_timeout(context, slot->for_libxl);
        }
    }
}

/* Until all operations have ended. */
static void run(int signal_fd)
{
    while (pending > 0) {
        struct epoll_event ready[32];
        int count = epoll_wait(epoll_fd, ready, 32, milliseconds_to_wait());
        serve_descriptors(ready, count, signal_fd);
        serve_others();
    }
}

static int watch_children(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = UINT64_MAX };
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
    return fd;
}

static void begun(int rc)
{
    if (rc)
        failures++;
    else
        pending++;
}

static void one_round(int guests, int round, const char *json, int signal_fd)
{
    libxl_asyncop_how how = { .callback = ended };
    libxl_domain_config *configs = calloc(guests, sizeof *configs);
    uint32_t *domids = calloc(guests, sizeof *domids);
    libxl_evgen_domain_death **deaths = calloc(guests, sizeof *deaths);

    for (int guest = 0; guest < guests; guest++) {
        char text[2048];
        snprintf(text, sizeof text, json, round * guests + guest);
        libxl_domain_config_init(&configs[guest]);
        if (libxl_domain_config_from_json(context, &configs[guest], text))
            abort();
        begun(libxl_domain_create_new(context, &configs[guest], &domids[guest], &how, NULL));
    }
    run(signal_fd);
    for (int guest = 0; guest < guests; guest++) {
        libxl_evenable_domain_death(context, domids[guest], 0, &deaths[guest]);
        begun(libxl_domain_unpause(context, domids[guest], &how));
    }
    run(signal_fd);
    for (int guest = 0; guest < guests; guest++)
        begun(libxl_domain_destroy(context, domids[guest], &how));
    run(signal_fd);
    for (int guest = 0; guest < guests; guest++) {
        if (deaths[guest])
            libxl_evdisable_domain_death(context, deaths[guest]);
        libxl_domain_config_dispose(&configs[guest]);
    }
    free(configs);
    free(domids);
    free(deaths);
}

int main(int argc, char **argv)
{
    static const libxl_osevent_hooks hooks = { fd_register,      fd_modify,      fd_deregister,
                                               timeout_register, timeout_modify, timeout_deregister };
    static const libxl_event_hooks events = { .event_occurs_mask = LIBXL_EVENTMASK_ALL,
                                              .event_occurs = event_occurs,
                                              .disaster = disaster };
    static const libxl_childproc_hooks children = { .chldowner = libxl_sigchld_owner_mainloop };
    if (argc != 4)
        return 2;
    xentoollog_logger *logger = (xentoollog_logger *)xtl_createlogger_stdiostream(stderr, XTL_ERROR, 0);
    if (libxl_ctx_alloc(&context, LIBXL_VERSION, 0, logger))
        return 1;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int signal_fd = watch_children();
    libxl_osevent_register_hooks(context, &hooks, NULL);
    libxl_childproc_setmode(context, &children, NULL);
    libxl_event_register_callbacks(context, &events, NULL);
    for (int round = 0; round < atoi(argv[2]); round++) {
        one_round(atoi(argv[1]), round, argv[3], signal_fd);
        printf("round %d, %d failures\n", round + 1, failures);
        fflush(stdout);
    }
    return failures > 0;
}
