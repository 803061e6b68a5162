/** Objects of the miniature hypervisor of the examples, from its own sources, before and after a change of one of them. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type ExampleTarget, TARGETS } from '../../examples/architectures.ts';
import { readBytes, toolchainOf } from '../../examples/toolchain.ts';
import type { XenArch } from '../../src/xen/index.ts';
import { root } from './examples.ts';

/** As Xen's own build with CONFIG_LIVEPATCH has it, since 4.17. */
const SPLIT = ['-ffunction-sections', '-fdata-sections'];

/** Changes of one source: text that is there, and what stands there instead. */
export type Edits = readonly (readonly [from: string, to: string])[];

function targetOf(arch: XenArch): ExampleTarget {
  const target = TARGETS.find((candidate) => candidate.arch === arch);
  if (target === undefined) throw new Error(`no miniature hypervisor of ${arch}`);
  return target;
}

/** Compiles a source (`common/version.c`), changed as wanted; with `-g` among `flags` for debug information. */
export function compileMiniature(
  arch: XenArch,
  source: string,
  edits: Edits = [],
  flags: readonly string[] = [],
): Uint8Array {
  const target = targetOf(arch);
  const { run, compile } = toolchainOf(target);
  const work = mkdtempSync(join(tmpdir(), 'xsplice-miniature-'));
  try {
    cpSync(join(root, 'examples/miniature-xen'), work, { recursive: true });
    const path = join(work, source);
    let text = readFileSync(path, 'utf8');
    for (const [from, to] of edits) {
      if (!text.includes(from)) throw new Error(`${source} does not have: ${from}`);
      text = text.replace(from, () => to);
    }
    writeFileSync(path, text);
    const object = join(work, 'out.o');
    const all = [...target.cflags, ...target.payloadFlags, ...SPLIT, ...flags, '-Iinclude', `-Iinclude/${arch}`];
    compile(source, object, work, [...all, `-fdebug-prefix-map=${work}=.`]);
    // The compiler's FILE symbol has the base name only; see examples/image.ts.
    run('objcopy', [`--redefine-sym=${basename(source)}=${source}`, 'out.o'], work);
    return readBytes(object);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
