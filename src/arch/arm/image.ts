import { type Address, addOffset, viewOf } from '../../base/index.ts';
import { type AddressRange, arm64Layout, armVmapXen, PAGE_SIZE } from '../../xen/index.ts';
import type { ImageFacts, ImageRegion, ImageRules } from '../image-rules.ts';

const pageUp = (address: Address): Address => (address + BigInt(PAGE_SIZE - 1)) & ~BigInt(PAGE_SIZE - 1);

/**
 * Returns the image's regions as setup_pagetables and modify_xen_mappings map them.
 * Sources: xen/arch/arm/xen.lds.S, xen/arch/arm/mm.c, xen/arch/arm/setup.c (.data.ro_after_init, since 4.17).
 */
function regions({ needed, linker }: ImageFacts): readonly ImageRegion[] {
  const textEnd = pageUp(needed('_etext'));
  const rodataEnd = pageUp(needed('_erodata'));
  const initStart = needed('__init_begin');
  const initEnd = needed('__init_end');
  const constantStart = linker('__ro_after_init_start');
  const constantEnd = linker('__ro_after_init_end');
  const constants: ImageRegion[] =
    constantStart === undefined || constantEnd === undefined || constantStart === constantEnd
      ? []
      : [{ name: 'rodata', start: constantStart, end: constantEnd }];
  return [
    { name: 'text', start: needed('_start'), end: textEnd },
    { name: 'rodata', start: needed('_srodata'), end: rodataEnd },
    ...constants,
    { name: 'rwdata', start: constants[0]?.end ?? rodataEnd, end: initStart },
    { name: 'init', start: initStart, end: initEnd },
    { name: 'rwdata', start: initEnd, end: pageUp(needed('_end')) },
  ];
}

/** Interprets one instruction of a function that only returns a value: returns the result register's new value, `undefined` if unchanged. */
export type ResultStep = (
  word: number,
  result: bigint | undefined,
  at: Address,
  /** Returns the word `distance` bytes after the instruction; `undefined` past the end of the code. */
  literal: (distance: number) => number | undefined,
) => bigint | 'return' | undefined;

/** Instructions to interpret at most; a debug build also sets up a frame pointer. */
const MOST_INSTRUCTIONS = 8;

/** Returns the result of straight-line code; `undefined` if it cannot be determined. */
function returned(code: Uint8Array, at: Address, step: ResultStep): bigint | undefined {
  const view = viewOf(code);
  let result: bigint | undefined;
  for (let i = 0; i < MOST_INSTRUCTIONS && 4 * i + 4 <= code.length; i++) {
    const literal = (distance: number) => {
      const from = 4 * i + distance;
      return from + 4 <= code.length ? view.getUint32(from, true) : undefined;
    };
    const next = step(view.getUint32(4 * i, true), result, addOffset(at, 4 * i), literal);
    if (next === 'return') return result;
    if (next !== undefined) result = next;
  }
  return undefined;
}

/** Makes the image rules of arm64 or arm32. */
export function armImage(
  arch: 'arm64' | 'arm32',
  options: { readonly linkable: AddressRange; readonly step: ResultStep },
): ImageRules {
  return {
    title: arch,
    linkable: options.linkable,
    superpages: false,
    regions,
    // The link address of an arm64 image decides its layout, even under the rules of a release with another one.
    vmapXen: ({ needed }, release) => {
      const own = arch === 'arm64' ? arm64Layout(needed('_start')) : undefined;
      return armVmapXen(own === undefined ? release : { armLayout: own }, arch);
    },
    symbolsOrigin: () => 'pointers',
    constantReturned: (code) => {
      const value = returned(code, 0n, options.step);
      return value === undefined ? undefined : Number(BigInt.asUintN(32, value));
    },
    constantSize: 4,
    addressReturned: (code, at) => returned(code, at, options.step),
    finish: () => {},
  };
}
