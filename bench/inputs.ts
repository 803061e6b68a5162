import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianXen } from '../test/support/debian-xen.ts';
import { type Host, manyFunctions, manyRelocations } from './payloads.ts';

export interface InputFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Inputs: Debian's `xen-syms`, and payloads made for it. */
export interface Inputs {
  readonly xenSyms: InputFile;
  /** One function. */
  readonly payload: InputFile;
  /** 1 000 and 10 000 functions. */
  readonly functions1k: InputFile;
  readonly functions10k: InputFile;
  /** 200 000 relocations; larger than Xen accepts. */
  readonly relocations200k: InputFile;
}

/** Returns .text of an ELF file, as readelf reports it. */
function textOf(path: string): Host['text'] {
  const sections = execFileSync('readelf', ['-SW', path], { encoding: 'utf8' });
  const [, address = '', size = ''] = / \.text +PROGBITS +([0-9a-f]+) [0-9a-f]+ ([0-9a-f]+)/.exec(sections) ?? [];
  return { address: BigInt(`0x${address}`), size: Number.parseInt(size, 16) };
}

/** Makes the inputs, passes them to `use`, and removes them. */
export async function withInputs<T>(use: (inputs: Inputs) => Promise<T>): Promise<T> {
  const { xenSyms, buildId } = debianXen();
  const host: Host = { buildId, text: textOf(xenSyms) };
  const folder = mkdtempSync(join(tmpdir(), 'xsplice-bench-'));
  try {
    return await use({
      xenSyms: { path: xenSyms, bytes: readFileSync(xenSyms) },
      payload: manyFunctions(host, 1, folder),
      functions1k: manyFunctions(host, 1000, folder),
      functions10k: manyFunctions(host, 10_000, folder),
      relocations200k: manyRelocations(host, 200_000, folder),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
