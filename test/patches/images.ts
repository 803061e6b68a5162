import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type ExampleTarget, TARGETS } from '../../examples/architectures.ts';
import { compileImage, linkImage } from '../../examples/image.ts';
import { ensure } from '../../src/base/index.ts';

/** Architectures that payloads are built for. */
export type PatchArch = 'x86_64' | 'arm64';

/** Sources by file name. */
export type Sources = Readonly<Record<string, string>>;

/** Most files per call of the compiler. */
const FILES_PER_CALL = 16;

const SPLIT = ['-g', '-ffunction-sections', '-fdata-sections', '-w'];

const run = promisify(execFile);

/** Compiles sources as the miniature hypervisor is compiled, and links hypervisors with them. */
export class Images {
  readonly #target: ExampleTarget;
  readonly #work = mkdtempSync(join(tmpdir(), 'xsplice-patches-'));
  readonly #tree = join(this.#work, 'tree');
  readonly #own: readonly string[];
  #folders = 0;

  constructor(arch: PatchArch) {
    this.#target = ensure(
      TARGETS.find((target) => target.arch === arch),
      'the architecture has a miniature hypervisor',
    );
    cpSync(resolve('examples/miniature-xen'), this.#tree, { recursive: true });
    const objects = join(this.#work, 'own');
    this.#own = compileImage(this.#target, this.#tree, objects).map((name) => join(objects, name));
  }

  /** Returns the objects of sources, by file name. Rejects with the compiler's message. */
  async compile(
    sources: Sources,
    flags: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<Map<string, Uint8Array>> {
    const folder = this.#folder();
    const names = Object.keys(sources);
    for (const name of names) writeFileSync(join(folder, name), sources[name] as string);
    const { cflags, prefix, arch } = this.#target;
    const include = join(this.#tree, 'include');
    const all = [
      ...cflags,
      ...SPLIT,
      ...flags,
      `-I${include}`,
      `-I${join(include, arch)}`,
      `-fdebug-prefix-map=${folder}=.`,
    ];
    for (let at = 0; at < names.length; at += FILES_PER_CALL) {
      const files = names.slice(at, at + FILES_PER_CALL);
      await run(`${prefix}gcc`, [...all, '-c', ...files], { cwd: folder, ...(signal !== undefined && { signal }) });
    }
    const objects = names.map((name): [string, Uint8Array] => [
      name,
      new Uint8Array(readFileSync(join(folder, name.replace(/\.c$/, '.o')))),
    ]);
    rmSync(folder, { recursive: true, force: true });
    return new Map(objects);
  }

  /** Returns the hypervisor with these objects in it. */
  link(objects: ReadonlyMap<string, Uint8Array>): Uint8Array {
    const folder = this.#folder();
    const names = [...objects].map(([name, bytes]) => {
      writeFileSync(join(folder, `${name}.o`), bytes);
      return `${name}.o`;
    });
    const image = linkImage(this.#target, this.#tree, folder, [...this.#own, ...names]);
    rmSync(folder, { recursive: true, force: true });
    return image;
  }

  /** Removes the folder with all that was compiled. */
  close(): void {
    rmSync(this.#work, { recursive: true, force: true });
  }

  #folder(): string {
    const folder = join(this.#work, `f${this.#folders++}`);
    mkdirSync(folder);
    return folder;
  }
}
