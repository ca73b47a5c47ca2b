/* A disk that forgets what was not synced.
 *
 * Preloaded into a database's processes. The directory POWERCUT_LIVE is what the kernel shows;
 * POWERCUT_SHADOW is what would be on the disk. fsync and fdatasync bring the shadow of that one file up to
 * date; writes alone never do. Power is cut by killing every process and looking at the shadow instead.
 * Names (rename, unlink) take effect in both at once, as on a file system that journals metadata in order;
 * the content of a renamed file is still only what was synced.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The shadow's name of a live file; 0 when the file lies elsewhere. */
static int shadow_of(const char *path, char out[PATH_MAX]) {
    const char *live = getenv("POWERCUT_LIVE"), *shadow = getenv("POWERCUT_SHADOW");
    char absolute[PATH_MAX];
    size_t length;
    if (!live || !shadow) return 0;
    if (path[0] != '/') {
        char here[PATH_MAX];
        if (!getcwd(here, sizeof here)) return 0;
        if (snprintf(absolute, sizeof absolute, "%s/%s", here, path) >= (int)sizeof absolute) return 0;
        path = absolute;
    }
    length = strlen(live);
    if (strncmp(path, live, length) != 0 || path[length] != '/') return 0;
    return snprintf(out, PATH_MAX, "%s%s", shadow, path + length) < PATH_MAX;
}

static void make_parents(char *path) {
    for (char *at = path + 1; *at; at++)
        if (*at == '/') {
            *at = 0;
            mkdir(path, 0700);
            *at = '/';
        }
}

static void mirror(int fd) {
    char link[64], path[PATH_MAX], shadow[PATH_MAX];
    struct stat info;
    static const size_t block = 65536;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return;
    path[length] = 0;
    if (!shadow_of(path, shadow)) return;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_nlink == 0) return;
    int from = open(link, O_RDONLY | O_CLOEXEC);
    int to = open(shadow, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (to < 0) {
        make_parents(shadow);
        to = open(shadow, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    }
    char *new = malloc(block), *old = malloc(block);
    if (from < 0 || to < 0 || !new || !old) {
        /* A disk that cannot store must not pretend: make the loss loud. */
        fprintf(stderr, "power-cut shim: cannot mirror %s: %s\n", path, strerror(errno));
        abort();
    }
    /* One at a time, so that an older picture never follows a newer one. */
    flock(to, LOCK_EX);
    off_t at = 0;
    for (;;) {
        ssize_t got = pread(from, new, block, at);
        if (got <= 0) break;
        ssize_t had = pread(to, old, (size_t)got, at);
        if (had != got || memcmp(new, old, (size_t)got) != 0)
            if (pwrite(to, new, (size_t)got, at) != got) abort();
        at += got;
    }
    if (ftruncate(to, at) != 0) abort();
    close(to);
    close(from);
    free(new);
    free(old);
}

int fsync(int fd) {
    int kept = errno;
    /* A disk that says yes and does nothing, to show that the tests notice. */
    if (!getenv("POWERCUT_LIES")) mirror(fd);
    errno = kept;
    return 0;
}

int fdatasync(int fd) { return fsync(fd); }

static void rename_shadow(const char *old, const char *new) {
    char from[PATH_MAX], to[PATH_MAX];
    static int (*real)(const char *, const char *);
    if (!real) real = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
    int had = shadow_of(old, from), has = shadow_of(new, to);
    if (!has) return;
    make_parents(to);
    if (!had || real(from, to) != 0) {
        /* Never synced under its old name: the name is there, the content is not. */
        int empty = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (empty >= 0) close(empty);
    }
}

int rename(const char *old, const char *new) {
    static int (*real)(const char *, const char *);
    struct stat info;
    if (!real) real = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
    int regular = stat(old, &info) == 0 && S_ISREG(info.st_mode);
    int answer = real(old, new);
    int kept = errno;
    if (answer == 0 && regular) rename_shadow(old, new);
    errno = kept;
    return answer;
}

int unlink(const char *path) {
    static int (*real)(const char *);
    char shadow[PATH_MAX];
    if (!real) real = (int (*)(const char *))dlsym(RTLD_NEXT, "unlink");
    int answer = real(path);
    int kept = errno;
    if (answer == 0 && shadow_of(path, shadow)) real(shadow);
    errno = kept;
    return answer;
}
