import type { PayloadSpec } from '../payloads.ts';
import { add, type Step, XC } from './define.ts';
import { nop } from './nops-and-endbr64.ts';

// ---------------------------------------------------------------------------------- where payloads are placed
const pagesOf = (n: number, i: number): PayloadSpec => ({
  code: false,
  buildId: (0x10 + i).toString(16).repeat(20),
  funcs: [nop(XC, 1)],
  asm: n > 1 ? `.bss\n.zero ${(n - 1) * 4096}\n` : '',
});
export const sizes = [3, 1, 2, 1, 4, 3, 2];
add('placement', Object.fromEntries(sizes.map((n, i) => [`p${i}`, pagesOf(n, i)])), [
  { upload: 'p0' },
  { upload: 'p1' },
  { upload: 'p2' },
  { unload: 'p1' },
  { upload: 'p3' },
  { unload: 'p0' },
  { upload: 'p4' },
  { upload: 'p5' },
  { upload: 'p6' },
  { unload: 'p3' },
  { unload: 'p2' },
  { upload: 'p0' },
  { upload: 'p1' },
  { upload: 'p2' },
  { upload: 'p3' },
  ...['p4', 'p5', 'p6', 'p0', 'p1', 'p2', 'p3'].map((p): Step => ({ unload: p })),
  { upload: 'p2' },
]);
add('placement-failed-upload-leaves-no-trace', { bad: { xenDepends: '00'.repeat(20) }, ok: {} }, [
  { upload: 'bad' },
  { upload: 'ok' },
  { upload: 'bad' },
  { unload: 'ok' },
  { upload: 'bad' },
  { upload: 'ok' },
]);
