import type { ForeignForm } from '../code-forms.ts';

/** Second bytes, behind 0f, of instructions on xmm registers that compilers use for moves and arithmetic. Source: Intel SDM volume 2, appendix A. */
const VECTOR = new Set([
  0x10, 0x11, 0x12, 0x13, 0x14, 0x16, 0x17, 0x28, 0x29, 0x2a, 0x2c, 0x2d, 0x2e, 0x2f, 0x51, 0x54, 0x55, 0x56, 0x57,
  0x58, 0x59, 0x5c, 0x5e, 0x62, 0x6c, 0x6e, 0x6f, 0x70, 0x7e, 0x7f, 0xc6, 0xd6, 0xe7, 0xef,
]);

/** The flags with which Xen is built so that these do not come up. Source: xen/arch/x86/arch.mk. */
export const FOREIGN: readonly ForeignForm[] = [
  {
    flag: '-mno-red-zone',
    harm: 'an interrupt overwrites what is kept below the stack pointer',
    // disp8(%rsp) with a negative displacement: mod 1 and rm 4, a SIB byte without index, the sign.
    *mayBeAt(code) {
      for (let at = code.indexOf(0x24); at >= 0; at = code.indexOf(0x24, at + 1)) {
        if (((code[at - 1] ?? 0) & 0xc7) === 0x44 && (code[at + 1] ?? 0) >= 0x80) yield at;
      }
    },
    // smp_mb() adds 0 there, and lea only computes.
    is: (text) => /-0x[0-9a-f]+\(%rsp/.test(text) && !/^(?:lea|lock (?:add|or)[lq]? \$0(?:x0)?,|nop)/.test(text),
  },
  {
    flag: '-mno-sse -mno-mmx',
    harm: "the guest's vector registers, which Xen does not save for its own code, are lost",
    *mayBeAt(code) {
      for (let at = code.indexOf(0x0f); at >= 0; at = code.indexOf(0x0f, at + 1)) {
        if (VECTOR.has(code[at + 1] ?? 0)) yield at;
      }
    },
    // Xen's own few are in the VEX form, or save what they use.
    is: (text) => /%xmm/.test(text) && !text.startsWith('v'),
  },
];
