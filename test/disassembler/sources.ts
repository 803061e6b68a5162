/** C of the kinds that a hypervisor has, for gcc to make a few hundred instructions of. */
export const C = `
typedef unsigned long u64; typedef unsigned int u32; typedef unsigned short u16; typedef unsigned char u8;
extern int printk(const char *format, ...);
extern u64 table[16]; extern u8 flag; extern void (*handler)(u64);
struct node { struct node *next, *prev; u64 key; u32 flags; u16 id; u8 kind; };
static u64 counter; static struct node *head;
static const char *const names[] = { "zero", "one", "two", "three" };

int insert(struct node *n, u64 key)
{
    struct node **at = &head;
    while (*at && (*at)->key < key) at = &(*at)->next;
    n->next = *at; n->key = key; n->flags |= 0x80000001u; n->id = -2; n->kind ^= 0x7f;
    *at = n;
    return printk("inserted %lx of %lu\\n", key, ++counter);
}

const char *name(unsigned int i) { return i < 4 ? names[i] : "many"; }

u64 hash(const u8 *p, u64 n)
{
    u64 h = 0xcbf29ce484222325ul;
    for (u64 i = 0; i < n; i++) { h ^= p[i]; h *= 0x100000001b3ul; h = (h << 13) | (h >> 51); }
    return h % 1000003;
}

int dispatch(unsigned int op, u64 a, u64 b)
{
    switch (op) {
    case 0: return a + b > 100;
    case 1: return (int)(a - b);
    case 2: return (int)(a * b);
    case 3: return b ? (int)(a / b) : -1;
    case 4: table[a & 15] = b; return 0;
    case 5: flag = (u8)a; return flag;
    case 6: handler(b); return 1;
    case 7: return __builtin_popcountl(a) + __builtin_ctzl(b | 1);
    default: printk("bad operation %u\\n", op); return -22;
    }
}

int atomics(u32 *p, u64 *q, u64 *both)
{
    u32 old = __atomic_fetch_add(p, 3, __ATOMIC_SEQ_CST);
    u64 expected = 5;
    __atomic_compare_exchange_n(q, &expected, 7, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    __atomic_or_fetch(q, 1ul << 40, __ATOMIC_SEQ_CST);
    __atomic_exchange_n(&both[1], old, __ATOMIC_SEQ_CST);
    return old ? insert((struct node *)both, old) : (int)expected;
}

void privileged(u64 addr, u32 msr)
{
    u32 lo, hi;
    asm volatile ("rdmsr" : "=a" (lo), "=d" (hi) : "c" (msr));
    asm volatile ("wrmsr" :: "a" (lo), "d" (hi), "c" (msr));
    asm volatile ("invlpg (%0)" :: "r" (addr) : "memory");
    asm volatile ("mov %0, %%cr3; mov %%cr4, %%rax; clac; stac; cli; sti; hlt; ud2" :: "r" (addr) : "rax", "memory");
    asm volatile ("pushfq; popq %%rax; swapgs; lfence; cpuid; rep stosb; rep movsq" ::: "rax", "rbx", "rcx", "rdx", "rdi", "rsi", "memory");
    asm volatile ("lock cmpxchg16b (%0); xchg %%rax, (%0); bt $5, (%0); int3; iretq" :: "r" (addr) : "rax", "memory");
    asm volatile ("movq %%gs:8, %%rax; movb $0xff, 0x1234(%0, %%rax, 4); cmpq $-1, -8(%0)" :: "r" (addr) : "rax", "memory");
}
`;

/** Flags as Xen has them, by what differs. */
export const FLAGS: readonly (readonly [what: string, flags: readonly string[]])[] = [
  ['-O2 -fpie', ['-O2', '-fpie', '-mno-red-zone', '-mgeneral-regs-only', '-mskip-rax-setup']],
  ['-O0', ['-O0', '-fno-pic', '-mcmodel=kernel', '-mgeneral-regs-only']],
  ['-Os with ENDBR64', ['-Os', '-fcf-protection=branch', '-mgeneral-regs-only']],
];
