import type { Finding } from '../base/index.ts';
import type { RuleId } from '../catalogue/index.ts';
import { about } from './about.ts';
import type { DiffObject } from './object.ts';
import { bytesOf, type Piece } from './piece.ts';
import type { XenNames } from './xen-names.ts';

/** A function of the hypervisor that is to be replaced. */
export interface OldFunction {
  /** Bytes, as the hypervisor's symbol table has them. */
  readonly size: number;
  /** Why it cannot be replaced. */
  readonly problems: readonly Finding[];
}

/** Looks at the function that a payload will overwrite: is it what the original object has, and is there room for the jump? */
export function oldFunction(
  names: XenNames,
  name: string,
  piece: Piece,
  object: DiffObject,
  source: string,
): OldFunction {
  const { image } = names;
  const [symbol] = piece.symbols;
  const compiled = symbol === undefined || symbol.size === 0 ? piece.end - piece.start : symbol.size;
  const size = names.size(name) ?? compiled;
  const problems: Finding[] = [];
  const refuse = (rule: RuleId, message: string): void => void problems.push(about(rule, source, name, message));
  const address = names.address(name) ?? 0n;
  if (size !== compiled) {
    const message = `${name} has ${size} bytes in the hypervisor and ${compiled} in the original object: they are of different builds`;
    refuse('other-build', message);
  } else {
    const at = firstOtherByte(image.bytes(address, compiled), piece, object);
    if (at !== undefined) {
      const message = `${name} differs at +0x${at.toString(16)} between the hypervisor and the original object: they are of different builds`;
      refuse('other-build', message);
    }
  }
  const { arch } = image;
  const offset = arch.patchOffset(image.bytes(address, arch.entrySize), names.release);
  const least = offset + arch.patchInsnSize;
  if (size < least) {
    refuse('function-too-short', `${name} has ${size} bytes; the jump that patches it needs ${least}`);
  }
  if (names.isInit(address)) refuse('init-freed', `${name} was freed after boot`);
  return { size, problems };
}

/** The first byte of the function that is not what was compiled, where no relocation has changed it; `undefined` where all are the same. */
function firstOtherByte(linked: Uint8Array, piece: Piece, object: DiffObject): number | undefined {
  const compiled = bytesOf(piece);
  const { relocations } = object.context.arch;
  const changed = new Uint8Array(compiled.length);
  for (const { offset, type } of object.references(piece)) {
    changed.fill(1, offset, offset + (relocations.get(type)?.width ?? 8));
  }
  // A hypervisor whose file does not hold its code says nothing.
  for (let i = 0; i < Math.min(linked.length, compiled.length); i++) {
    if (changed[i] === 0 && linked[i] !== compiled[i]) return i;
  }
  return undefined;
}
