/** Builds Arm payloads with a cross compiler, like a distribution. */
import { withTool } from '../../support/gcc.ts';
import type { ArmArch } from '../../support/source-xen.ts';

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
_Static_assert(sizeof(struct livepatch_func) == 3 * sizeof(void *) + 80, "size");
#define FUNC static struct livepatch_func __attribute__((section(".livepatch.funcs"), used, aligned(8)))
`;

/** Compilers and flags of the hypervisor's own builds. Source: xen/arch/arm/arch.mk. */
const TOOLCHAINS: Readonly<Record<ArmArch, { readonly prefix: string; readonly flags: readonly string[] }>> = {
  arm64: { prefix: 'aarch64-linux-gnu-', flags: ['-mcmodel=small', '-mgeneral-regs-only'] },
  arm32: {
    prefix: 'arm-linux-gnueabihf-',
    flags: ['-marm', '-mcpu=cortex-a15', '-mfloat-abi=soft', '-mgeneral-regs-only', '-fno-unwind-tables'],
  },
};

const FLAGS = ['-O2', '-ffreestanding', '-fno-pic', '-fno-stack-protector', '-fno-asynchronous-unwind-tables'];

/** A note of type NT_GNU_BUILD_ID (3). `@` begins a comment in arm32's assembly. */
const note = (section: string, id: string): string =>
  [
    `.section ${section},"a",%note`,
    '.balign 4',
    `.long 4, ${id.length / 2}, 3`,
    '.asciz "GNU"',
    `.byte ${(id.match(/../g) ?? []).map((digits) => `0x${digits}`).join(',')}`,
    '',
  ].join('\n');

export interface ArmPayloadSource {
  readonly arch: ArmArch;
  /** C after the declaration of `struct livepatch_func` and `FUNC`. */
  readonly c: string;
  /** Hex digits for `.livepatch.depends`, and for `.livepatch.xen_depends` if different. */
  readonly depends: string;
  readonly xenDepends?: string;
}

/** Compiles and links a payload. */
export function buildArmPayload({ arch, c, depends, xenDepends = depends }: ArmPayloadSource): Uint8Array {
  const { prefix, flags } = TOOLCHAINS[arch];
  const notes = note('.livepatch.depends', depends) + note('.livepatch.xen_depends', xenDepends);
  const compile = (file: string, contents: string): Uint8Array =>
    withTool(`${prefix}gcc`, ['-c', ...FLAGS, ...flags, '-o', 'out.o', file], { [file]: contents }, ({ read }) =>
      read('out.o'),
    );
  const files = {
    'code.o': compile('code.c', HEADER + c),
    'notes.o': compile('notes.s', `${notes}.section .note.GNU-stack,"",%progbits\n`),
  };
  const args = ['-r', '--build-id=sha1', '-o', 'out', 'code.o', 'notes.o'];
  return withTool(`${prefix}ld`, args, files, ({ read }) => read('out'));
}
