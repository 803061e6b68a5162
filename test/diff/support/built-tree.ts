import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Disassembler } from '../../../src/arch/index.ts';
import { ensure } from '../../../src/base/index.ts';
import type { ObjectContext } from '../../../src/diff/object.ts';
import { XenNames } from '../../../src/diff/xen-names.ts';
import { type ElfFile, ET_REL, isProblem, readElf } from '../../../src/elf/index.ts';
import { type Image, openImage } from '../../../src/hypervisor/index.ts';
import type { Release } from '../../../src/xen/index.ts';
import { xenFromSource } from '../../support/source-xen.ts';
import { disassembler } from './subject.ts';

/** Architectures of which there are whole trees. */
export type TreeArch = 'x86_64' | 'arm64';

/** A compiled object of a tree. */
export interface TreeObject {
  /** Its path from the top of the hypervisor's sources. */
  readonly object: string;
  readonly elf: ElfFile;
}

/** A hypervisor and the tree that it was built in. */
export interface BuiltTree {
  readonly imageBytes: Uint8Array;
  readonly image: Image;
  readonly release: Release;
  readonly names: XenNames;
  readonly context: ObjectContext;
  readonly disassembler: Disassembler;
  /** Every object that the compiler or the assembler wrote, by its path. Read one after the other: a tree has some hundred. */
  objects(): Generator<TreeObject, void, void>;
}

/** What the linker made of others; and of the boot code, which is linked by itself, to a binary. */
const LINKED = /(?:^|\/)(?:built_in|prelink)[^/]*\.o$|\.init\.o$|(?:^|\/)\./;

/** Paths of objects below a folder, in order. What a link leads to is somewhere else in the tree once more. */
function* objectPaths(folder: string, below: string): Generator<string, void, void> {
  const entries = readdirSync(join(folder, below), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory() && path !== 'tools') yield* objectPaths(folder, path);
    else if (entry.isFile() && path.endsWith('.o') && !LINKED.test(path)) yield path;
  }
}

/** Opens a tree of the architecture. */
export async function builtTree(arch: TreeArch): Promise<BuiltTree> {
  const { tree, xenSyms } = await xenFromSource(arch);
  const folder = join(tree, 'xen');
  const imageBytes = new Uint8Array(readFileSync(xenSyms));
  const image = openImage(imageBytes);
  const { release } = ensure(image.release, 'the image says which release it is');
  const forms = ensure(image.arch.objects, 'objects of the architecture can be made into payloads');
  const capstone = await disassembler();
  return {
    imageBytes,
    image,
    release,
    names: new XenNames(image, release),
    context: { arch: image.arch, forms, release, disassembler: capstone },
    disassembler: capstone,
    *objects() {
      for (const object of objectPaths(folder, '')) {
        const elf = readElf(new Uint8Array(readFileSync(join(folder, object))));
        if (!isProblem(elf) && elf.header.e_type === ET_REL && elf.machine === image.arch.machine) {
          yield { object, elf };
        }
      }
    },
  };
}
