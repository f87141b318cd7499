/*
 * libxl from C, as directly as can be: no hooks of its own, each operation runs libxl's own loop until it has ended.
 *
 *     xen-native CONFIG-AS-JSON
 *
 * Answers lines of its input with the microseconds taken: "create", "destroy" (what was created last),
 * "list N" (so many times).
 */
#include <libxl.h>
#include <libxl_utils.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xentoollog.h>

static libxl_ctx *context;
static uint32_t domid;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static void check(int rc, const char *call)
{
    if (!rc)
        return;
    fprintf(stderr, "%s: %d\n", call, rc);
    exit(1);
}

static void create(const char *json)
{
    libxl_domain_config config;
    libxl_domain_config_init(&config);
    check(libxl_domain_config_from_json(context, &config, json), "libxl_domain_config_from_json");
    check(libxl_domain_create_new(context, &config, &domid, NULL, NULL), "libxl_domain_create_new");
    libxl_domain_config_dispose(&config);
}

static void list(int times)
{
    while (times-- > 0) {
        int count;
        libxl_dominfo *domains = libxl_list_domain(context, &count);
        check(domains ? 0 : -1, "libxl_list_domain");
        libxl_dominfo_list_free(domains, count);
    }
}

int main(int argc, char **argv)
{
    char line[64];
    xentoollog_logger *logger = (xentoollog_logger *)xtl_createlogger_stdiostream(stderr, XTL_ERROR, 0);
    check(libxl_ctx_alloc(&context, LIBXL_VERSION, 0, logger), "libxl_ctx_alloc");
    while (argc == 2 && fgets(line, sizeof line, stdin)) {
        double begun = now();
        if (!strncmp(line, "create", 6))
            create(argv[1]);
        else if (!strncmp(line, "destroy", 7))
            check(libxl_domain_destroy(context, domid, NULL), "libxl_domain_destroy");
        else
            list(atoi(line + 5));
        printf("%.1f\n", now() - begun);
        fflush(stdout);
    }
    libxl_ctx_free(context);
    xtl_logger_destroy(logger);
    return 0;
}
