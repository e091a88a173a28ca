/* LD_PRELOAD shim of tests/store/test_crash_points.py: fault the N-th call that changes something below one folder.
   It sits below Python, so it meets the calls that tensorstore makes as well. Linux, tests only. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
static atomic_long cnt; static long target; static int mode, err, armed; static char pre[PATH_MAX];
/* mode 0: kill before the call; 1: write half, then kill; 2: fail once with errno err; 3: so do all calls from there */
void crash_arm(const char *p, long n, int m, int e) { strncpy(pre, p, PATH_MAX - 1); target = n; mode = m; err = e; cnt = 0; armed = 1; }
void crash_disarm(void) { armed = 0; }
long crash_count(void) { return cnt; }
static int under(const char *p) { return armed && p && !strncmp(p, pre, strlen(pre)); }
static int fdunder(int fd) { char l[64], b[PATH_MAX]; if (!armed) return 0; snprintf(l, 64, "/proc/self/fd/%d", fd);
  ssize_t k = readlink(l, b, PATH_MAX - 1); if (k < 0) return 0; b[k] = 0; return under(b); }
static int at(int d, const char *p) { return armed && p && (p[0] == '/' ? under(p) : d != AT_FDCWD && fdunder(d)); }
static int hit(void) { long n = atomic_fetch_add(&cnt, 1) + 1; return mode == 3 ? target > 0 && n >= target : n == target; }
static int fault(void) { if (mode >= 2) { errno = err; return -1; } kill(getpid(), SIGKILL); for (;;) pause(); }
#define REAL(f) static __typeof__(f) *real; if (!real) real = dlsym(RTLD_NEXT, #f)
#define CALL(f, sig, cond, args) int f sig { REAL(f); if ((cond) && hit()) return fault(); return real args; }
CALL(rename, (const char *a, const char *b), under(a), (a, b))
CALL(renameat, (int x, const char *a, int y, const char *b), at(x, a), (x, a, y, b))
CALL(renameat2, (int x, const char *a, int y, const char *b, unsigned f), at(x, a), (x, a, y, b, f))
CALL(mkdir, (const char *a, mode_t m), under(a), (a, m))
CALL(mkdirat, (int d, const char *a, mode_t m), at(d, a), (d, a, m))
CALL(unlink, (const char *a), under(a), (a))
CALL(unlinkat, (int d, const char *a, int f), at(d, a), (d, a, f))
CALL(rmdir, (const char *a), under(a), (a))
CALL(link, (const char *a, const char *b), under(b), (a, b))
CALL(fsync, (int fd), fdunder(fd), (fd))
CALL(fdatasync, (int fd), fdunder(fd), (fd))
CALL(ftruncate, (int fd, off_t n), fdunder(fd), (fd, n))
#define WR(f, sig, half, args) ssize_t f sig { REAL(f); if (fdunder(fd) && hit()) { if (mode == 1) half; return fault(); } return real args; }
WR(write, (int fd, const void *b, size_t n), real(fd, b, n / 2), (fd, b, n))
WR(pwrite, (int fd, const void *b, size_t n, off_t o), real(fd, b, n / 2, o), (fd, b, n, o))
WR(pwrite64, (int fd, const void *b, size_t n, off64_t o), real(fd, b, n / 2, o), (fd, b, n, o))
WR(writev, (int fd, const struct iovec *v, int c), real(fd, v, c / 2), (fd, v, c))
#define OPEN(f) int f(const char *p, int fl, ...) { static int (*real)(const char *, int, ...); if (!real) real = dlsym(RTLD_NEXT, #f); \
  va_list a; va_start(a, fl); mode_t m = (fl & (O_CREAT | O_TMPFILE)) ? va_arg(a, mode_t) : 0; va_end(a); \
  if ((fl & (O_CREAT | O_TRUNC)) && under(p) && hit()) return fault(); return real(p, fl, m); }
#define OPENAT(f) int f(int d, const char *p, int fl, ...) { static int (*real)(int, const char *, int, ...); if (!real) real = dlsym(RTLD_NEXT, #f); \
  va_list a; va_start(a, fl); mode_t m = (fl & (O_CREAT | O_TMPFILE)) ? va_arg(a, mode_t) : 0; va_end(a); \
  if ((fl & (O_CREAT | O_TRUNC)) && at(d, p) && hit()) return fault(); return real(d, p, fl, m); }
OPEN(open) OPEN(open64) OPENAT(openat) OPENAT(openat64)
