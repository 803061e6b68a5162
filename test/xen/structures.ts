import { withTool } from '../support/gcc.ts';

/**
 * sizeof and offsetof as gcc computes them: the oracle for record tables. `declarations` are C; `expressions` are
 * constant. `-m32` gives 32-bit pointers.
 */
export function constants(declarations: string, expressions: readonly string[], flags: readonly string[]): number[] {
  const source = `#include <stdint.h>
#include <stddef.h>
${declarations}
const uint64_t values[] __attribute__((section(".values"))) = { ${expressions.map((e) => `(${e})`).join(', ')} };`;
  const args = ['-c', '-ffreestanding', ...flags, '-o', 'out.o', 'source.c'];
  const object = withTool('gcc', args, { 'source.c': source }, ({ read }) => read('out.o'));
  const dump = ['-O', 'binary', '-j', '.values', 'out.o', 'values'];
  const values = withTool('objcopy', dump, { 'out.o': object }, ({ read }) => read('values'));
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  return expressions.map((_, i) => Number(view.getBigUint64(i * 8, true)));
}

/** The bytes of initialised data, as gcc lays them out. */
export function dataBytes(declarations: string, flags: readonly string[] = []): Uint8Array {
  const source = `#include <stdint.h>
#define DATA __attribute__((section(".bytes"), used))
${declarations}`;
  const args = ['-c', '-ffreestanding', ...flags, '-o', 'out.o', 'source.c'];
  const object = withTool('gcc', args, { 'source.c': source }, ({ read }) => read('out.o'));
  const dump = ['-O', 'binary', '-j', '.bytes', 'out.o', 'bytes'];
  return withTool('objcopy', dump, { 'out.o': object }, ({ read }) => read('bytes'));
}
