/*
 * The whole user space of the recording dom0: PID 1 of the initramfs.
 *
 * It executes requests that come in over a virtio-serial port, so that record.ts can
 * issue any hypercall with any (also malformed) argument and gets the raw result back.
 * There is deliberately no libxenctrl in between: its own argument checks would hide
 * what the hypervisor answers.
 *
 * Frame (both directions, little endian): u32 length of the rest, then the rest.
 *   request  'H': u64 op, u64 arg[5], u32 nbuf, { u32 size, u32 flags, bytes }*,
 *                 u32 nrel, { s32 buf (-1: the args), u32 offset, u32 target, u32 add }*
 *            reply: s64 return value, { bytes }* of the buffers with flag 1
 *   request  'R': path             reply: s64 size or -errno, bytes
 *   request  'P': nothing          reply: s64 0   (a ping)
 * A relocation writes the guest address of buffer `target` + add to the place named.
 * Buffer flag 2: the bytes are not sent, the buffer is zero filled.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct privcmd_hypercall { uint64_t op, arg[5]; };
#define IOCTL_PRIVCMD_HYPERCALL _IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall))

static int con, port, priv;

static void die(const char *what)
{
	dprintf(con, "AGENT-FAILED %s: %s\n", what, strerror(errno));
	for (;;)
		pause();
}

static void rd(void *p, size_t n)
{
	for (char *c = p; n;) {
		ssize_t r = read(port, c, n);
		if (r > 0)
			c += r, n -= r;
		else if (r < 0 && errno != EINTR)
			die("read");
		else if (!r)
			usleep(1000); /* host side not connected (yet) */
	}
}

static void wr(const void *p, size_t n)
{
	for (const char *c = p; n;) {
		ssize_t r = write(port, c, n);
		if (r > 0)
			c += r, n -= r;
		else if (r < 0 && errno != EINTR && errno != EAGAIN)
			die("write");
	}
}

static const char *const modules[] = { "xen-privcmd", "virtio_ring", "virtio", "virtio_pci_modern_dev",
	"virtio_pci_legacy_dev", "virtio_pci", "virtio_console" };

int main(void)
{
	mkdir("/dev", 0755), mkdir("/sys", 0755), mkdir("/proc", 0755);
	mount("dev", "/dev", "devtmpfs", 0, "");
	mount("sys", "/sys", "sysfs", 0, "");
	mount("proc", "/proc", "proc", 0, "");
	con = open("/dev/console", O_RDWR);
	for (unsigned i = 0; i < sizeof modules / sizeof *modules; i++) {
		char path[128];
		snprintf(path, sizeof path, "/mod/%s.ko", modules[i]);
		int fd = open(path, O_RDONLY);
		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
			die(path);
		close(fd);
	}
	for (int i = 0; (port = open("/dev/vport0p1", O_RDWR)) < 0; i++, usleep(10000))
		if (i > 500)
			die("port");
	if ((priv = open("/dev/xen/privcmd", O_RDWR)) < 0)
		die("privcmd");
	dprintf(con, "AGENT-READY\n");

	for (;;) {
		uint32_t len;
		rd(&len, 4);
		char *q = malloc(len + 1), *p = q;
		rd(q, len);
		q[len] = 0;
		char kind = *p++;
		if (kind == 'P') {
			uint32_t l = 8;
			int64_t z = 0;
			wr(&l, 4), wr(&z, 8);
		} else if (kind == 'R') {
			static char b[65536];
			int fd = open(p, O_RDONLY);
			int64_t r = fd < 0 ? -errno : read(fd, b, sizeof b);
			uint32_t l = 8 + (r > 0 ? r : 0);
			if (fd >= 0)
				close(fd);
			wr(&l, 4), wr(&r, 8);
			if (r > 0)
				wr(b, r);
		} else if (kind == 'H') {
			struct privcmd_hypercall h;
			struct { char *p; uint32_t size, flags; } buf[64];
			uint32_t nbuf, nrel, l = 8;
			memcpy(&h, p, sizeof h), p += sizeof h;
			memcpy(&nbuf, p, 4), p += 4;
			for (uint32_t i = 0; i < nbuf && i < 64; i++) {
				memcpy(&buf[i].size, p, 4), memcpy(&buf[i].flags, p + 4, 4), p += 8;
				/* Own pages, present and locked: Xen reads them through the guest's page tables. */
				size_t m = (buf[i].size + 4096) & ~4095ul;
				buf[i].p = mmap(0, m, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_LOCKED, -1, 0);
				if (buf[i].p == MAP_FAILED)
					die("mmap");
				memset(buf[i].p, 0, m);
				if (!(buf[i].flags & 2))
					memcpy(buf[i].p, p, buf[i].size), p += buf[i].size;
			}
			memcpy(&nrel, p, 4), p += 4;
			for (uint32_t i = 0; i < nrel; i++, p += 16) {
				int32_t b;
				uint32_t off, target, add;
				memcpy(&b, p, 4), memcpy(&off, p + 4, 4), memcpy(&target, p + 8, 4), memcpy(&add, p + 12, 4);
				uint64_t v = (uintptr_t)buf[target].p + add;
				memcpy(b < 0 ? (char *)h.arg + off : buf[b].p + off, &v, 8);
			}
			int64_t r = ioctl(priv, IOCTL_PRIVCMD_HYPERCALL, &h);
			if (r == -1)
				r = -errno;
			for (uint32_t i = 0; i < nbuf; i++)
				l += buf[i].flags & 1 ? buf[i].size : 0;
			wr(&l, 4), wr(&r, 8);
			for (uint32_t i = 0; i < nbuf; i++) {
				if (buf[i].flags & 1)
					wr(buf[i].p, buf[i].size);
				munmap(buf[i].p, (buf[i].size + 4096) & ~4095ul);
			}
		}
		free(q);
	}
}
