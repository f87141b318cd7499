/*
 * A paravirtualised guest of a few kilobytes that starts in a fraction of a second and does what a test tells it.
 *
 * Words of its command line:
 *   tick=MS         prints "tick N" that often
 *   end=REASON      ends with REASON (poweroff, reboot, crash) as soon as it is up, or ...
 *   after=MS        ... that much later
 *   ignore          does not hear of control/shutdown
 *
 * It prints "up COMMAND-LINE memory=SUM", and obeys control/shutdown: poweroff, halt, reboot, suspend, and crash, which is our own.
 * Its memory holds a pattern that differs from one start to the next: when it is restored it prints "resumed ticks=N
 * memory=SUM", and the sum is the one it came up with only if the pages are the same.
 *
 * No interrupt or trap is ever taken: events stay masked and are polled (SCHEDOP_poll).
 */
#include <stddef.h>
#include <stdint.h>

#define __XEN_INTERFACE_VERSION__ 0x00040d00
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/io/console.h>
#include <xen/io/xs_wire.h>
#include <xen/sched.h>
#include <xen/xen.h>

#define PAGE 4096
#define PTE_PRESENT_WRITABLE_USER 7
#define MS 1000000ull

typedef uint64_t word;

extern char hypercall_page[];
static start_info_t *start_info;
static char shared_page[PAGE] __attribute__((aligned(PAGE)));
#define shared ((shared_info_t *)shared_page)
static const char *command_line;

/* ---- hypercalls ---- */

static long hypercall(unsigned number, word a, word b, word c)
{
    long result;
    asm volatile("call *%[entry]"
                 : "=a"(result), "+D"(a), "+S"(b), "+d"(c)
                 : [entry] "r"(hypercall_page + number * 32)
                 : "memory", "rcx", "r8", "r9", "r10", "r11");
    return result;
}

static void shut_down(unsigned reason)
{
    struct sched_shutdown request = { reason };
    for (;;)
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (word)&request, 0);
}

static void notify(evtchn_port_t port)
{
    struct evtchn_send request = { port };
    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (word)&request, 0);
}

/*
 * Nanoseconds of Xen's system time. Xen may update it while we are not running, between any two reads of ours: a time stamp
 * that is newer than the counter would make a time centuries ahead.
 */
static word now(void)
{
    const volatile struct vcpu_time_info *time = &shared->vcpu_info[0].time;
    word base, ticks, result;
    uint32_t version;

    do {
        version = time->version;
        asm volatile("" ::: "memory");
        base = time->system_time;
        ticks = __builtin_ia32_rdtsc() - time->tsc_timestamp;
        ticks = time->tsc_shift < 0 ? ticks >> -time->tsc_shift : ticks << time->tsc_shift;
        result = base + (word)(((unsigned __int128)ticks * time->tsc_to_system_mul) >> 32);
        asm volatile("" ::: "memory");
    } while (version & 1 || version != time->version);
    return result;
}

/* Until the port has an event or the time has come; 0 is never. */
static void wait(evtchn_port_t port, word until)
{
    struct sched_poll request = { .nr_ports = 1, .timeout = until };
    set_xen_guest_handle(request.ports, &port);
    hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, (word)&request, 0);
    __atomic_and_fetch(&shared->evtchn_pending[port / 64], ~(1ull << port % 64), __ATOMIC_SEQ_CST);
}

/* ---- memory ---- */

static word virtual_to_machine(const void *address)
{
    return ((const word *)start_info->mfn_list)[(word)address / PAGE];
}

static void *machine_to_virtual(word frame)
{
    return (void *)(((const word *)HYPERVISOR_VIRT_START)[frame] * PAGE);
}

static void map_shared_page(word entry)
{
    hypercall(__HYPERVISOR_update_va_mapping, (word)shared_page, entry, UVMF_INVLPG);
}

/*
 * The toolstack finds the guest's frames through this tree when it saves: root -> one page of frames -> mfn_list. One page
 * of frames is enough for 1 GiB.
 */
static void publish_frames(void)
{
    static word root[PAGE / 8] __attribute__((aligned(PAGE)));
    static word leaves[PAGE / 8] __attribute__((aligned(PAGE)));
    word pages = (start_info->nr_pages * 8 + PAGE - 1) / PAGE;

    for (word page = 0; page < pages && page < sizeof leaves / sizeof *leaves; page++)
        leaves[page] = virtual_to_machine((char *)start_info->mfn_list + page * PAGE);
    root[0] = virtual_to_machine(leaves);
    shared->arch.max_pfn = start_info->nr_pages;
    shared->arch.pfn_to_mfn_frame_list_list = virtual_to_machine(root);
}

static word pattern[256 * 1024 / 8];

static void fill_memory(word seed)
{
    for (size_t index = 0; index < sizeof pattern / sizeof *pattern; index++)
        pattern[index] = seed = seed * 6364136223846793005ull + 1442695040888963407ull;
}

static word sum_memory(void)
{
    word sum = 0;
    for (size_t index = 0; index < sizeof pattern / sizeof *pattern; index++)
        sum = (sum << 1 | sum >> 63) ^ pattern[index];
    return sum;
}

/* The compiler calls these whether there is a library or not. */
void *memcpy(void *to, const void *from, size_t length)
{
    for (size_t index = 0; index < length; index++)
        ((char *)to)[index] = ((const char *)from)[index];
    return to;
}

void *memset(void *to, int value, size_t length)
{
    for (size_t index = 0; index < length; index++)
        ((char *)to)[index] = value;
    return to;
}

/* ---- text ---- */

static int equal(const char *text, const char *other)
{
    while (*text && *text == *other)
        text++, other++;
    return *text == *other;
}

/* What follows `word` where a word of the command line begins with it, else NULL. */
static const char *argument(const char *word)
{
    for (const char *at = command_line; *at; at++) {
        if (at != command_line && at[-1] != ' ')
            continue;
        size_t length = 0;
        while (word[length] && at[length] == word[length])
            length++;
        if (!word[length])
            return at + length;
    }
    return NULL;
}

static word number(const char *digits)
{
    word value = 0;
    while (digits && *digits >= '0' && *digits <= '9')
        value = value * 10 + *digits++ - '0';
    return value;
}

/* ---- console ---- */

static struct xencons_interface *console;
static evtchn_port_t console_port;

static void put(char byte)
{
    while (console->out_prod - console->out_cons >= sizeof console->out) {
        notify(console_port);
        wait(console_port, now() + 100 * MS);
    }
    console->out[MASK_XENCONS_IDX(console->out_prod, console->out)] = byte;
    __atomic_store_n(&console->out_prod, console->out_prod + 1, __ATOMIC_RELEASE);
}

static void print(const char *text)
{
    while (*text)
        put(*text++);
}

static void print_number(word value, unsigned base)
{
    char digits[32], *at = digits + sizeof digits;
    *--at = 0;
    do
        *--at = "0123456789abcdef"[value % base];
    while (value /= base);
    print(at);
}

static void end_line(void)
{
    print("\r\n");
    notify(console_port);
}

/* ---- xenstore ---- */

static struct xenstore_domain_interface *store;
static evtchn_port_t store_port;
static char payload[XENSTORE_PAYLOAD_MAX + 1];

static void store_put(const void *bytes, size_t length)
{
    for (size_t index = 0; index < length; index++) {
        while (store->req_prod - store->req_cons >= XENSTORE_RING_SIZE)
            wait(store_port, 0);
        store->req[MASK_XENSTORE_IDX(store->req_prod)] = ((const char *)bytes)[index];
        __atomic_store_n(&store->req_prod, store->req_prod + 1, __ATOMIC_RELEASE);
    }
}

static void store_get(void *bytes, size_t length)
{
    for (size_t index = 0; index < length; index++) {
        while (__atomic_load_n(&store->rsp_prod, __ATOMIC_ACQUIRE) == store->rsp_cons)
            wait(store_port, 0);
        ((char *)bytes)[index] = store->rsp[MASK_XENSTORE_IDX(store->rsp_cons)];
        __atomic_store_n(&store->rsp_cons, store->rsp_cons + 1, __ATOMIC_RELEASE);
    }
}

static void store_send(uint32_t type, const char *body, uint32_t length)
{
    struct xsd_sockmsg head = { .type = type, .len = length };
    store_put(&head, sizeof head);
    store_put(body, length);
    notify(store_port);
}

/* The type of the next message; its body, ended by a NUL, is then in `payload`. */
static uint32_t store_receive(void)
{
    struct xsd_sockmsg head;
    store_get(&head, sizeof head);
    store_get(payload, head.len);
    payload[head.len] = 0;
    notify(store_port);
    return head.type;
}

/* The type of the answer. A watch event that comes before it is dropped: whoever calls looks at the value afterwards. */
static uint32_t store_call(uint32_t type, const char *body, uint32_t length)
{
    uint32_t answer;
    store_send(type, body, length);
    while ((answer = store_receive()) == XS_WATCH_EVENT)
        ;
    return answer;
}

static const char request_path[] = "control/shutdown";

static void watch_requests(void)
{
    static const char path_and_token[] = "control/shutdown\0lab";
    store_call(XS_WATCH, path_and_token, sizeof path_and_token);
}

/* ---- life ---- */

static word ticks;

static void attach(void)
{
    map_shared_page(start_info->shared_info | PTE_PRESENT_WRITABLE_USER);
    publish_frames();
    console = machine_to_virtual(start_info->console.domU.mfn);
    console_port = start_info->console.domU.evtchn;
    store = machine_to_virtual(start_info->store_mfn);
    store_port = start_info->store_evtchn;
}

/*
 * The shared page belongs to Xen and cannot be saved with our page tables; the toolstack wants the numbers of the two ring
 * pages as the guest counts, and writes the new ones as the machine counts. Returns in the same domain or in a new one.
 */
static void suspend(void)
{
    struct sched_shutdown request = { SHUTDOWN_suspend };
    word console_frame = start_info->console.domU.mfn, store_frame = start_info->store_mfn;

    start_info->console.domU.mfn = (word)console / PAGE;
    start_info->store_mfn = (word)store / PAGE;
    map_shared_page(0);
    long cancelled = hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (word)&request, virtual_to_machine(start_info));
    if (cancelled) {
        start_info->console.domU.mfn = console_frame;
        start_info->store_mfn = store_frame;
    }
    attach();
    if (!cancelled)
        watch_requests();
    print(cancelled ? "continued ticks=" : "resumed ticks=");
    print_number(ticks, 10);
    print(" memory=");
    print_number(sum_memory(), 16);
    end_line();
}

static void obey(const char *request)
{
    print("asked to ");
    print(request);
    end_line();
    if (equal(request, "suspend"))
        suspend();
    else if (equal(request, "reboot"))
        shut_down(SHUTDOWN_reboot);
    else if (equal(request, "crash"))
        shut_down(SHUTDOWN_crash);
    else if (equal(request, "poweroff") || equal(request, "halt"))
        shut_down(SHUTDOWN_poweroff);
}

static void heed_request(void)
{
    char request[16];
    if (store_receive() != XS_WATCH_EVENT || argument("ignore"))
        return;
    if (store_call(XS_READ, request_path, sizeof request_path) != XS_READ || !payload[0])
        return;
    memcpy(request, payload, sizeof request - 1);
    request[sizeof request - 1] = 0;
    /* An empty value says that we have seen it. */
    store_call(XS_WRITE, request_path, sizeof request_path);
    obey(request);
}

static void end_as_told(const char *reason)
{
    print("ends");
    end_line();
    shut_down(*reason == 'c' ? SHUTDOWN_crash : *reason == 'r' ? SHUTDOWN_reboot : SHUTDOWN_poweroff);
}

/* Does what is due, and returns when something will be; 0 is never. */
static word do_what_is_due(word period, word *next_tick, word end)
{
    word time = now();
    if (end && time >= end)
        end_as_told(argument("end="));
    if (period && time >= *next_tick) {
        print("tick ");
        print_number(++ticks, 10);
        end_line();
        *next_tick = time + period;
    }
    return period && (!end || *next_tick < end) ? *next_tick : end;
}

void guest_main(start_info_t *info)
{
    start_info = info;
    command_line = (const char *)info->cmd_line;
    attach();
    fill_memory(__builtin_ia32_rdtsc());
    print("up ");
    print(command_line);
    print(" memory=");
    print_number(sum_memory(), 16);
    end_line();
    word end = argument("end=") ? now() + number(argument("after=")) * MS + 1 : 0;
    word period = number(argument("tick=")) * MS, next_tick = now() + period;
    watch_requests();
    for (;;) {
        word due = do_what_is_due(period, &next_tick, end);
        if (__atomic_load_n(&store->rsp_prod, __ATOMIC_ACQUIRE) == store->rsp_cons)
            wait(store_port, due);
        else
            heed_request();
    }
}
