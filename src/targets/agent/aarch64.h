/* Linux on AArch64. Source: include/uapi/asm-generic/unistd.h; arch/arm64/kernel/entry.S (number in x8). */
enum {
	NR_mkdirat = 34,
	NR_mount = 40,
	NR_openat = 56,
	NR_close = 57,
	NR_ioctl = 29,
	NR_read = 63,
	NR_write = 64,
	NR_nanosleep = 101,
	NR_reboot = 142,
	NR_mmap = 222,
	NR_finit_module = 273,
};

static word system_call(word nr, word a, word b, word c, word d, word e, word f)
{
	register word x8 __asm__("x8") = nr;
	register word x0 __asm__("x0") = a;
	register word x1 __asm__("x1") = b;
	register word x2 __asm__("x2") = c;
	register word x3 __asm__("x3") = d;
	register word x4 __asm__("x4") = e;
	register word x5 __asm__("x5") = f;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

__asm__(".globl _start\n"
	"_start:\n"
	"	mov x29, #0\n"
	"	mov x30, #0\n"
	"	bl agent\n");
