import type { ImageRegion } from '../arch/index.ts';
import { addOffset } from '../base/index.ts';
import type { AddressRange } from '../xen/index.ts';
import type { Hypervisor } from './hypervisor.ts';
import { nameAt } from './symbol-text.ts';

/** Most names reported. */
const MOST_NAMES = 12;

/** Bytes compared at a time: a pointer's. */
const WORD = 8;

const dataOf = (hv: Hypervisor): ImageRegion[] => hv.image.regions.filter(({ name }) => name === 'rwdata');

/** Returns a region's memory if it is mapped in one piece. */
const bytesOf = ({ machine }: Hypervisor, { start, end }: ImageRegion): Uint8Array | undefined =>
  machine.space.span(start, Number(end - start));

/** Finds which of the hypervisor's own variables running code changes. Keeps no copy on a host that runs no code. */
export class DataWatch {
  readonly #hv: Hypervisor;
  readonly #before: readonly { readonly region: ImageRegion; readonly bytes: Uint8Array }[];

  constructor(hv: Hypervisor) {
    this.#hv = hv;
    const regions = hv.code === null ? [] : dataOf(hv);
    this.#before = regions.flatMap((region) => {
      const bytes = bytesOf(hv, region);
      return bytes === undefined ? [] : [{ region, bytes: bytes.slice() }];
    });
  }

  /** Returns the symbols whose memory has changed; the last entry counts those left out. */
  changed(): string[] {
    const names = new Set<string>();
    for (const { region, bytes: before } of this.#before) {
      const now = bytesOf(this.#hv, region);
      if (now === undefined) continue;
      for (let at = 0; at < before.length; at += WORD) {
        let same = true;
        for (let i = at; i < at + WORD && same; i++) same = before[i] === now[i];
        if (!same) names.add((nameAt(this.#hv, addOffset(region.start, at)) ?? '?').replace(/\+.*/, ''));
      }
    }
    // The simulator sets these before it runs code.
    for (const name of this.#hv.arch.execution.currentVariables) names.delete(name);
    const all = [...names];
    return all.length <= MOST_NAMES ? all : [...all.slice(0, MOST_NAMES), `and ${all.length - MOST_NAMES} more`];
  }
}

/** Returns the memory that running code may change: its stacks and heap, and the variables that {@link DataWatch} reports. */
export function notCompared(hv: Hypervisor): AddressRange[] {
  if (hv.code === null) return [];
  return [...hv.code.ranges(), ...dataOf(hv).map(({ start, end }) => ({ start, end }))];
}
