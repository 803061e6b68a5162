/*
 * All of dom0's user space on the QEMU target: PID 1 of the initramfs. It inserts the kernel modules and then carries
 * out requests that come in over a virtio-serial port. Any hypercall with any argument can be made, and the raw result
 * comes back: a library in between would hide what the hypervisor answers to a malformed one.
 *
 * Freestanding: neither a libc nor a shell, so the initramfs needs nothing but this and the modules.
 *
 * A request and a reply are each a u32 (the length of the rest) and the rest; all little endian.
 *
 *   'H'  u32 size, u32 sent, u32 count, { u32 at, u32 size } * count, bytes[sent]
 *        The bytes go to the start of the arena, and zeros behind them up to `size`. The arena begins with what
 *        IOCTL_PRIVCMD_HYPERCALL takes: u64 number, u64 arg[5]. Reply: s64 result, and the `count` ranges of it.
 *   'R'  path
 *        Reply: s64 bytes read or -errno, and the file's first 64 KiB.
 *   'P'  Reply: s64 0.
 *
 * The arena is at a fixed address, so that whoever sends a request can lay out pointers himself. Its pages are present
 * and locked: Xen reads them through the guest's page tables.
 */
typedef unsigned char u8;
typedef unsigned int u32;
typedef long long s64;
/* As wide as a register. */
typedef unsigned long word;
typedef long sword;

/* What differs from one architecture to the next: the numbers of the system calls, how one is made, and the entry point. */
#if defined(__x86_64__)
#include "x86_64.h"
#elif defined(__aarch64__)
#include "aarch64.h"
#elif defined(__arm__)
#include "arm.h"
#endif

/* Free in the address space of each of them. */
#define ARENA_ADDRESS 0x10000000ul
#define ARENA_SIZE (8u << 20)
#define RANGES 16
#define FILE_SIZE 65536

enum { EINTR = 4, EAGAIN = 11, ENOENT = 2 };

#define AT_FDCWD (-100)
#define O_RDWR 2
#define PROT_READ_WRITE 3
/* MAP_PRIVATE, _FIXED, _ANONYMOUS, _LOCKED, _POPULATE. */
#define MAP_ARENA (0x2 | 0x10 | 0x20 | 0x2000 | 0x8000)
/* _IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall)) */
#define IOCTL_PRIVCMD_HYPERCALL 0x305000ul

#define CALL6(nr, a, b, c, d, e, f)                                                                                    \
	((sword)system_call(NR_##nr, (word)(a), (word)(b), (word)(c), (word)(d), (word)(e), (word)(f)))
#define CALL(nr, a, b, c) CALL6(nr, a, b, c, 0, 0, 0)

static sword open(const void *path, u32 flags)
{
	return CALL(openat, AT_FDCWD, path, flags);
}

static sword console, port, privcmd;
static u8 *const arena = (u8 *)ARENA_ADDRESS;

static void pause_ms(word ms)
{
	word time[2] = { ms / 1000, ms % 1000 * 1000000 };

	CALL(nanosleep, time, 0, 0);
}

static void print(const char *text)
{
	word length = 0;

	while (text[length])
		length++;
	CALL(write, console, text, length);
}

static void print_number(word value)
{
	char digits[24], *p = digits + sizeof(digits);

	*--p = 0;
	do
		*--p = (char)('0' + value % 10);
	while (value /= 10);
	print(p);
}

/* LINUX_REBOOT_CMD_POWER_OFF: Xen turns the machine off, and QEMU ends. */
static void __attribute__((noreturn)) power_off(void)
{
	for (;;) {
		CALL(reboot, 0xfee1dead, 672274793, 0x4321fedc);
		pause_ms(1000);
	}
}

static void __attribute__((noreturn)) fail(const char *what, sword error)
{
	print("AGENT-FAILED ");
	print(what);
	print(": errno ");
	print_number((word)-error);
	print("\n");
	/* Time for the console to get the line out. */
	pause_ms(500);
	power_off();
}

/* Where nobody has the other end of the port for five seconds, nobody will come back to end this machine. */
static void receive(void *to, word size)
{
	u8 *p = to;
	u32 alone = 0;

	while (size) {
		sword n = CALL(read, port, p, size);

		if (n > 0) {
			p += n;
			size -= (word)n;
			alone = 0;
		} else if (n == 0) {
			if (++alone > 500)
				power_off();
			pause_ms(10);
		} else if (n != -EINTR && n != -EAGAIN)
			fail("read", n);
	}
}

static void transmit(const void *from, word size)
{
	const u8 *p = from;

	while (size) {
		sword n = CALL(write, port, p, size);

		if (n > 0) {
			p += n;
			size -= (word)n;
		} else if (n != -EINTR && n != -EAGAIN)
			fail("write", n);
	}
}

/* The u32 and the s64 that every reply begins with; `more` bytes follow. */
static void answer(s64 result, u32 more)
{
	struct __attribute__((packed)) {
		u32 length;
		s64 result;
	} head = { 8 + more, result };

	transmit(&head, sizeof(head));
}

/* A byte at a time to the next boundary, then a register's width. */
static void clear(u8 *p, word size)
{
	for (; size && (word)p % sizeof(word); size--)
		*p++ = 0;
	for (; size >= sizeof(word); size -= sizeof(word), p += sizeof(word))
		*(word __attribute__((may_alias)) *)p = 0;
	for (; size; size--)
		*p++ = 0;
}

static void hypercall(u32 length)
{
	u32 head[3], i, more = 0;
	struct {
		u32 at, size;
	} range[RANGES];
	sword result;

	receive(head, sizeof(head));
	if (head[2] > RANGES || head[0] > ARENA_SIZE || head[1] > head[0] ||
	    length != 4 + sizeof(head) + head[2] * sizeof(range[0]) + head[1])
		fail("request", -22);
	receive(range, head[2] * sizeof(range[0]));
	for (i = 0; i < head[2]; i++) {
		if (range[i].at > head[0] || range[i].size > head[0] - range[i].at)
			fail("range", -22);
		more += range[i].size;
	}
	receive(arena, head[1]);
	clear(arena + head[1], head[0] - head[1]);
	result = CALL(ioctl, privcmd, IOCTL_PRIVCMD_HYPERCALL, arena);
	answer(result, more);
	for (i = 0; i < head[2]; i++)
		transmit(arena + range[i].at, range[i].size);
}

static void read_file(u32 length)
{
	sword file, n = 0, got = 0;
	u8 *contents = arena + 4096;

	if (length - 4 >= 4096)
		fail("path", -22);
	receive(arena, length - 4);
	arena[length - 4] = 0;
	file = open(arena, 0);
	if (file < 0) {
		answer(file, 0);
		return;
	}
	while (got < FILE_SIZE && (n = CALL(read, file, contents + got, FILE_SIZE - got)) > 0)
		got += n;
	CALL(close, file, 0, 0);
	if (n < 0)
		answer(n, 0);
	else {
		answer(got, (u32)got);
		transmit(contents, (word)got);
	}
}

/* /mod/0, /mod/1 and so on, in the order in which they need each other. */
static void insert_modules(void)
{
	char path[] = "/mod/0";

	for (; path[5] <= '9'; path[5]++) {
		sword result, file = open(path, 0);

		if (file == -ENOENT)
			return;
		result = file < 0 ? file : CALL(finit_module, file, "", 0);
		if (result < 0)
			fail(path, result);
		CALL(close, file, 0, 0);
	}
}

static void mount(const char *type, const char *where)
{
	CALL(mkdirat, AT_FDCWD, where, 0755);
	CALL(mount, type, where, type);
}

static void __attribute__((noreturn, used)) agent(void)
{
	sword result;
	u32 tries = 0;

	mount("devtmpfs", "/dev");
	mount("sysfs", "/sys");
	console = open("/dev/console", O_RDWR);
	insert_modules();
	while ((port = open("/dev/vport0p1", O_RDWR)) < 0) {
		if (++tries > 500)
			fail("/dev/vport0p1", port);
		pause_ms(10);
	}
	privcmd = open("/dev/xen/privcmd", O_RDWR);
	if (privcmd < 0)
		fail("/dev/xen/privcmd", privcmd);
	result = CALL6(mmap, ARENA_ADDRESS, ARENA_SIZE, PROT_READ_WRITE, MAP_ARENA, -1, 0);
	if (result != (sword)ARENA_ADDRESS)
		fail("mmap", result);
	print("AGENT-READY\n");

	for (;;) {
		u32 length, kind;

		receive(&length, 4);
		receive(&kind, 4);
		if (kind == 'H')
			hypercall(length);
		else if (kind == 'R')
			read_file(length);
		else if (kind == 'P' && length == 4)
			answer(0, 0);
		else
			fail("kind", -22);
	}
}
