import type { Address } from '../base/index.ts';
import { STB_GLOBAL, STB_LOCAL, STB_WEAK } from '../elf/index.ts';
import type { Image, ImageSymbols } from '../hypervisor/index.ts';
import type { Release } from '../xen/index.ts';
import { nameOf, type Piece } from './piece.ts';

/** Explains, for a refusal, that the hypervisor has no static symbols of an object's source file. */
export const unknownFile = (file: string): { readonly message: string; readonly advice: string } => ({
  message: `the original object was compiled from ${file}, but the hypervisor has no static symbols of that file`,
  advice:
    'Use the objects that xen-syms was linked from. With ENFORCE_UNIQUE_SYMBOLS, the build adds the path of the source to each: objcopy --redefine-sym NAME.c=PATH/NAME.c',
});

/** What the running hypervisor has under which name. */
export class XenNames {
  readonly image: Image;
  readonly release: Release;
  readonly #symbols: ImageSymbols;
  readonly #init: readonly { readonly start: Address; readonly end: Address }[];

  #files: Set<string> | undefined;

  constructor(image: Image, release: Release) {
    this.image = image;
    this.release = release;
    this.#symbols = image.symbolsFor(release);
    this.#init = image.regions.filter(({ name }) => name === 'init');
  }

  /** What the loader resolves the name to; `undefined` where it would not find it. */
  address(name: string): Address | undefined {
    const address = this.#symbols.byName(name);
    return address === 0n ? undefined : address;
  }

  /** Has the hypervisor static functions or variables of a file that is called so? */
  hasFile(file: string): boolean {
    if (this.#files === undefined) {
      this.#files = new Set();
      for (const name of this.#symbols.names()) {
        const at = name.indexOf('#');
        if (at > 0) this.#files.add(name.slice(0, at));
      }
    }
    return this.#files.has(file);
  }

  /** Is the address in what is freed once the host is up? */
  isInit(address: Address): boolean {
    return this.#init.some(({ start, end }) => address >= start && address < end);
  }

  /** Bytes of a thing by the image's symbol table; `undefined` where it does not say. */
  size(name: string): number | undefined {
    const { symbols } = this.image.elf;
    const at = name.indexOf('#');
    const index = at < 0 ? globalOf(symbols, name) : symbols.findInFile(name.slice(0, at), name.slice(at + 1));
    const size = index === undefined ? 0 : symbols.size(index);
    return size === 0 ? undefined : size;
  }

  /** The name by which the hypervisor knows a piece of the original object: that of the first of its symbols which it has. */
  nameOf(piece: Piece, file: string | undefined): string | undefined {
    for (const { name, bind } of piece.symbols) {
      const full = bind === STB_LOCAL && file !== undefined ? `${file}#${name}` : name;
      if (this.address(full) !== undefined) return full;
    }
    return undefined;
  }

  /** Is a piece weak, and has the hypervisor the strong definition of another object? */
  isOverridden({ symbols: [symbol] }: Piece): boolean {
    if (symbol === undefined || symbol.bind !== STB_WEAK) return false;
    const { symbols } = this.image.elf;
    const index = globalOf(symbols, symbol.name);
    return index !== undefined && symbols.bind(index) === STB_GLOBAL;
  }

  /** The name that it should have, for messages. */
  expected(piece: Piece, file: string | undefined): string {
    return piece.symbols[0]?.bind === STB_LOCAL && file !== undefined ? `${file}#${nameOf(piece)}` : nameOf(piece);
  }
}

/** The first symbol of that name which is not local. */
function globalOf(symbols: Image['elf']['symbols'], name: string): number | undefined {
  for (const i of symbols.findAll(name)) if (symbols.bind(i) !== STB_LOCAL) return i;
  return undefined;
}
