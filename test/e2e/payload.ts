/** Payloads for a real `xen-syms`, made by plain gcc and ld as a distribution makes them. */
import { assemble, compileC, link } from '../support/gcc.ts';

/** `struct livepatch_func` of version 2. Source: xen/include/public/sysctl.h. */
const HEADER = `
typedef unsigned char u8;
typedef unsigned int u32;
struct livepatch_func {
  const char *name;
  void *new_addr, *old_addr;
  u32 new_size, old_size;
  u8 version, pad[39], expect[32];
};
_Static_assert(sizeof(struct livepatch_func) == 104, "size");
#define FUNC static struct livepatch_func __attribute__((section(".livepatch.funcs"), used, aligned(8)))
`;

/** What the hypervisor's own build has: no address but relative to the code, nothing that needs a runtime. */
const FLAGS = [
  '-O2',
  '-fpic',
  '-fvisibility=hidden',
  '-fno-stack-protector',
  '-fcf-protection=none',
  '-mno-red-zone',
  '-mno-sse',
];

export interface PayloadSource {
  /** C behind the declaration of `struct livepatch_func` and `FUNC`. */
  readonly c: string;
  /** Hex digits: what `.livepatch.depends` and `.livepatch.xen_depends` name. */
  readonly depends: string;
  readonly xenDepends: string;
}

/** A note of type NT_GNU_BUILD_ID (3). */
const note = (section: string, id: string): string =>
  [
    `.section ${section},"a",@note`,
    '.balign 4',
    `.long 4, ${id.length / 2}, 3`,
    '.asciz "GNU"',
    `.byte ${(id.match(/../g) ?? []).map((digits) => `0x${digits}`).join(',')}`,
    '',
  ].join('\n');

/** Compiles and links a payload. */
export function buildPayload({ c, depends, xenDepends }: PayloadSource): Uint8Array {
  const notes = note('.livepatch.depends', depends) + note('.livepatch.xen_depends', xenDepends);
  const objects = [compileC(HEADER + c, FLAGS), assemble(`${notes}.section .note.GNU-stack,"",@progbits\n`)];
  return link(objects, ['-r', '--build-id=sha1']);
}
