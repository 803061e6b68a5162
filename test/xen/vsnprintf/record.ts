// Records vectors of Xen's own vsnprintf: npx tsx test/xen/vsnprintf/record.ts XEN-SOURCE COUNT SEED > vectors-VERSION.jsonl
// XEN-SOURCE is the top of an unpacked Xen source tree, whose xen/common/vsprintf.c is compiled for user space.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromLatin1, latin1, viewOf } from '../../../src/base/index.ts';
import { type Call, calls } from './generate.ts';
import { arena } from './world.ts';

/** The parts of its headers that vsprintf.c needs. */
const COMMON = `
#ifndef SHIM_H
#define SHIM_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#define EXPORT_SYMBOL(x)
#define ASSERT(x) ((void)0)
#define BUG_ON(x) do { if (x) __builtin_trap(); } while (0)
#define unlikely(x) (x)
#define ENOMEM 12
#define PAGE_SIZE 4096
#define BITS_PER_LONG 64
#define KSYM_NAME_LEN 127
#define ROUNDUP(x, a) (((x) + (a) - 1) & ~((a) - 1))
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define isdigit(c) ((c) >= '0' && (c) <= '9')
#define islower(c) ((c) >= 'a' && (c) <= 'z')
#define isxdigit(c) (isdigit(c) || ((c) >= 'a' && (c) <= 'f') || ((c) >= 'A' && (c) <= 'F'))
#define toupper(c) (islower(c) ? (c) - 32 : (c))
#define do_div(n, base) ({ unsigned int r_ = (n) % (base); (n) /= (base); r_; })
#define xmalloc_array(t, n) ((t *)NULL)
#define fallthrough __attribute__((fallthrough))
#define DOMID_IO 0x7FF1
#define DOMID_XEN 0x7FF2
#define DOMID_COW 0x7FF3
#define DOMID_IDLE 0x7FFF
struct domain { uint16_t domain_id; };
struct vcpu { int vcpu_id; int processor; void *vcpu_info_area; struct domain *domain; };
typedef union { uint32_t sbdf; struct { union { uint16_t bdf; struct { union { struct { uint8_t fn : 3, dev : 5; }; uint8_t devfn; }; uint8_t bus; }; }; uint16_t seg; }; } pci_sbdf_t;
const char *symbols_lookup(unsigned long addr, unsigned long *size, unsigned long *offset, char *buf);
static inline unsigned int find_next_bit(const unsigned long *p, unsigned int n, unsigned int from)
{
    while (from < n && !((p[from / 64] >> (from % 64)) & 1)) from++;
    return from;
}
#define find_first_bit(p, n) find_next_bit(p, n, 0)
#define vsnprintf xen_vsnprintf
#define snprintf xen_snprintf
#define vscnprintf xen_vscnprintf
#define scnprintf xen_scnprintf
#define vasprintf xen_vasprintf
#define asprintf xen_asprintf
#endif
`;

const HEADERS = ['xen/ctype', 'xen/symbols', 'xen/lib', 'xen/sched', 'xen/livepatch', 'asm/div64', 'asm/page'];

function record(call: Call): Uint8Array {
  const format = fromLatin1(call.format);
  const bytes = new Uint8Array(12 + format.length + 8 * call.args.length);
  const view = viewOf(bytes);
  view.setUint32(0, call.size, true);
  view.setUint32(4, format.length, true);
  view.setUint32(8, call.args.length, true);
  bytes.set(format, 12);
  for (const [i, arg] of call.args.entries()) view.setBigUint64(12 + format.length + 8 * i, arg, true);
  return bytes;
}

const [tree = '', count = '4000', seed = '7'] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'xsplice-vsnprintf-'));
try {
  for (const header of HEADERS) {
    mkdirSync(join(folder, dirname(header)), { recursive: true });
    writeFileSync(join(folder, `${header}.h`), COMMON);
  }
  const harness = fileURLToPath(new URL('harness.c', import.meta.url));
  const program = join(folder, 'harness');
  const flags = ['-O1', '-w', '-fwrapv', '-fno-builtin', '-o', program, `-I${folder}`];
  execFileSync('gcc', [...flags, harness, join(tree, 'xen/common/vsprintf.c')], { stdio: 'inherit' });

  const made = [...calls(Number(seed), Number(count))];
  const input = Buffer.concat([arena(), ...made.map(record)]);
  const output = new Uint8Array(execFileSync(program, { input, maxBuffer: 1 << 30 }));
  const view = viewOf(output);
  let at = 0;
  for (const { size, format, args } of made) {
    const length = view.getInt32(at, true);
    const used = view.getUint32(at + 4, true);
    const text = latin1(output.subarray(at + 8, at + 8 + used));
    at += 8 + used;
    const line = JSON.stringify([size, format, args.map((arg) => arg.toString(16)), length, text]);
    // Plain ASCII, because the text may be any bytes.
    process.stdout.write(`${line.replace(/[\x7f-\xff]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)}\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
