/* failing_calls.c: a library to preload that lets the i-th system call of one thread fail, or the process die at it.
 *
 * A thread arms it, does what is to be tested, and disarms it. Only that thread's calls are counted: those on files (open,
 * write, fsync, rename …), or allocations that managed code asks for, through libSystem.Native or mmap. All else passes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 1, MEMORY = 2 };
enum { DIE = 0 };

static __thread int armed;  /* FILES, MEMORY, or 0 */
static __thread int strike; /* the call that fails, from 1; 0 for none */
static __thread int error;  /* what errno it sets, or DIE */
static __thread int count;
static __thread char log_text[65536];
static __thread size_t log_length;

__attribute__((visibility("default"))) void nr_calls_arm(int32_t kind, int32_t at, int32_t with) {
    count = 0;
    log_length = 0;
    log_text[0] = '\0';
    strike = at;
    error = with;
    armed = kind;
}

/* Returns how many calls there were. */
__attribute__((visibility("default"))) int32_t nr_calls_disarm(void) {
    armed = 0;
    return count;
}

/* The names of the calls since arming, each followed by a space. */
__attribute__((visibility("default"))) const char *nr_calls_log(void) { return log_text; }

/* Whether the call in hand is the one; it is counted. */
static int strikes(int kind, const char *name) {
    if (armed != kind) {
        return 0;
    }
    size_t const length = strlen(name);
    if (log_length + length + 2 < sizeof log_text) {
        memcpy(log_text + log_length, name, length);
        log_text[log_length + length] = ' ';
        log_text[log_length += length + 1] = '\0';
    }
    return ++count == strike;
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) {
        pause();
    }
}

/* -1 with errno, or the end. */
static int fail(void) {
    if (error == DIE) {
        die();
    }
    errno = error;
    return -1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int open_real(const char *path, int flags, mode_t mode) {
    return ((int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64"))(path, flags, mode);
}

/* Of a file that is not there yet, whatever a link of that name may lead to. */
static int is_creation(int flags) { return (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0; }

#define DEFINE_OPEN(name)                                                                                              \
    __attribute__((visibility("default"))) int name(const char *path, int flags, ...) {                                \
        va_list arguments;                                                                                             \
        va_start(arguments, flags);                                                                                    \
        mode_t const mode = (flags & O_CREAT) != 0 ? (mode_t)va_arg(arguments, int) : 0;                               \
        va_end(arguments);                                                                                             \
        return strikes(FILES, is_creation(flags) ? "create" : "open") ? fail() : open_real(path, flags, mode);         \
    }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)

/* A process that dies here has written a part. */
__attribute__((visibility("default"))) ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t offset) {
    if (strikes(FILES, "write")) {
        (void)!REAL(pwrite64)(file, bytes, length / 2, offset);
        return fail();
    }
    return REAL(pwrite64)(file, bytes, length, offset);
}

__attribute__((visibility("default"))) ssize_t write(int file, const void *bytes, size_t length) {
    return strikes(FILES, "write") ? fail() : REAL(write)(file, bytes, length);
}

__attribute__((visibility("default"))) int fsync(int file) {
    return strikes(FILES, "fsync") ? fail() : REAL(fsync)(file);
}

__attribute__((visibility("default"))) int rename(const char *from, const char *to) {
    return strikes(FILES, "rename") ? fail() : REAL(rename)(from, to);
}

__attribute__((visibility("default"))) int fchmod(int file, mode_t mode) {
    return strikes(FILES, "chmod") ? fail() : REAL(fchmod)(file, mode);
}

__attribute__((visibility("default"))) int ftruncate64(int file, off64_t length) {
    return strikes(FILES, "truncate") ? fail() : REAL(ftruncate64)(file, length);
}

__attribute__((visibility("default"))) int posix_fallocate64(int file, off64_t offset, off64_t length) {
    if (strikes(FILES, "allocate")) {
        (void)fail();
        return errno;
    }
    return REAL(posix_fallocate64)(file, offset, length);
}

__attribute__((visibility("default"))) int fallocate64(int file, int mode, off64_t offset, off64_t length) {
    return strikes(FILES, "allocate") ? fail() : REAL(fallocate64)(file, mode, offset, length);
}

/* The file that an address is code of, or null for code that .NET has compiled. */
static const char *file_of(void *address) {
    /* dladdr may allocate itself. */
    int const kind = armed;
    armed = 0;
    Dl_info where;
    int const known = dladdr(address, &where);
    armed = kind;
    return known != 0 ? where.dli_fname : NULL;
}

/* What the armed thread has allocated and nobody has freed. */
enum { MOST_BLOCKS = 65536 };
static void *blocks[MOST_BLOCKS];
static int block_count;
static pthread_mutex_t blocks_lock = PTHREAD_MUTEX_INITIALIZER;

/* How many blocks that were allocated while armed are not freed. */
__attribute__((visibility("default"))) int32_t nr_calls_outstanding(void) {
    pthread_mutex_lock(&blocks_lock);
    int32_t const left = block_count;
    pthread_mutex_unlock(&blocks_lock);
    return left;
}

static void *allocated(void *block) {
    if (armed == MEMORY && block != NULL) {
        pthread_mutex_lock(&blocks_lock);
        if (block_count < MOST_BLOCKS) {
            blocks[block_count++] = block;
        }
        pthread_mutex_unlock(&blocks_lock);
    }
    return block;
}

static void freed(void const *block) {
    if (block == NULL || __atomic_load_n(&block_count, __ATOMIC_RELAXED) == 0) {
        return;
    }
    pthread_mutex_lock(&blocks_lock);
    for (int i = block_count; i-- > 0;) {
        if (blocks[i] == block) {
            blocks[i] = blocks[--block_count];
            break;
        }
    }
    pthread_mutex_unlock(&blocks_lock);
}

static int is_ours(void *caller) {
    /* libSystem.Native leaves its frame before it allocates, so that the caller may be who called it. */
    const char *const file = file_of(caller);
    return file == NULL || strstr(file, "libSystem.Native") != NULL;
}

enum { PASSES, SUCCEEDS, FAILS };

/* What an allocation does: passes unseen, or is counted and succeeds or fails. */
static int judge(void *caller, const char *name) {
    if (armed != MEMORY || !is_ours(caller)) {
        return PASSES;
    }
    if (strikes(MEMORY, name)) {
        errno = ENOMEM;
        return FAILS;
    }
    return SUCCEEDS;
}

#define ALLOCATE(name, call)                                                                                           \
    int const verdict = judge(__builtin_return_address(0), name);                                                      \
    return verdict == FAILS ? NULL : verdict == PASSES ? (call) : allocated(call)

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t number, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

static void *reallocate(void *block, size_t size) {
    void *const moved = __libc_realloc(block, size);
    if (moved != NULL) {
        freed(block);
    }
    return moved;
}

__attribute__((visibility("default"))) void *malloc(size_t size) { ALLOCATE("malloc", __libc_malloc(size)); }

__attribute__((visibility("default"))) void *calloc(size_t number, size_t size) {
    ALLOCATE("calloc", __libc_calloc(number, size));
}

__attribute__((visibility("default"))) void *realloc(void *block, size_t size) {
    ALLOCATE("realloc", reallocate(block, size));
}

__attribute__((visibility("default"))) void *aligned_alloc(size_t alignment, size_t size) {
    ALLOCATE("aligned_alloc", __libc_memalign(alignment, size));
}

__attribute__((visibility("default"))) void free(void *block) {
    freed(block);
    __libc_free(block);
}

/* The library maps through a P/Invoke, from compiled code; the runtime's own mappings pass. */
__attribute__((visibility("default"))) void *mmap(void *address, size_t length, int protection, int flags, int file,
                                                  off_t offset) {
    if (armed != MEMORY || file_of(__builtin_return_address(0)) != NULL) {
        return REAL(mmap)(address, length, protection, flags, file, offset);
    }
    if (strikes(MEMORY, "mmap")) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return allocated(REAL(mmap)(address, length, protection, flags, file, offset));
}

__attribute__((visibility("default"))) int munmap(void *address, size_t length) {
    freed(address);
    return REAL(munmap)(address, length);
}
