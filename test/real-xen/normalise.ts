import type { XenSyms } from './elf.ts';

/** Puts symbols and names in place of what depends on the build: addresses and build-ids. */
export function normaliser(xen: XenSyms, ids: Map<string, string>): (text: string) => string {
  const vmap = xen.get('__2M_rwdata_end').address;
  const base = xen.get('_stext').address;
  const names = new Map([...ids].map(([k, v]) => [v, k]));
  return (text) =>
    text
      .replace(/[0-9a-f]{40}/g, (m) =>
        m === xen.buildId ? '{build-id xen}' : names.has(m) ? `{build-id ${names.get(m)}}` : m,
      )
      .replace(/(?<=\b|0x)ffff[0-9a-f]{12}\b/g, (m) => {
        const a = BigInt(`0x${m}`);
        if (a >= vmap && a < vmap + 0x8000000n) return `{vmap+0x${(a - vmap).toString(16)}}`;
        if (a < base || a >= vmap) return m;
        const d = xen.describe(a);
        return d ? `{${d}}` : m;
      });
}

/** The trampoline's displacement depends on the build; its target doesn't. */
export function liveBytes(address: bigint, hex: string, norm: (s: string) => string): string {
  const b = Buffer.from(hex, 'hex');
  for (const at of [0, 4])
    if (b[at] === 0xe9 && (at === 0 || /^(f30f1efa|660f1f01)/.test(hex))) {
      const target = BigInt.asUintN(64, address + BigInt(at + 5) + BigInt(b.readInt32LE(at + 1)));
      return `${hex.slice(0, 2 * at)} jmp ${norm(target.toString(16))} ${hex.slice(2 * at + 10)}`.trim();
    }
  return hex;
}
