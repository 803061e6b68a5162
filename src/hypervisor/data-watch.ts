import type { ImageRegion } from '../arch/index.ts';
import { addOffset } from '../base/index.ts';
import type { AddressRange } from '../xen/index.ts';
import type { Hypervisor } from './hypervisor.ts';
import { nameAt } from './symbol-text.ts';

/** Names that are told of at most. */
const MOST_NAMES = 12;

/** Bytes that are compared at a time: a pointer's. */
const WORD = 8;

const dataOf = (hv: Hypervisor): ImageRegion[] => hv.image.regions.filter(({ name }) => name === 'rwdata');

/** The memory of one region, while it is mapped in one piece. */
const bytesOf = ({ machine }: Hypervisor, { start, end }: ImageRegion): Uint8Array | undefined =>
  machine.space.span(start, Number(end - start));

/** The hypervisor's own variables, and which of them code has changed since. Of a host that runs no code, nothing is kept. */
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

  /** Symbols in whose memory something is different; the last entry says how many more there are. */
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
    // What code is told of its CPU is set for it, and no change of its own.
    for (const name of this.#hv.arch.execution.currentVariables) names.delete(name);
    const all = [...names];
    return all.length <= MOST_NAMES ? all : [...all.slice(0, MOST_NAMES), `and ${all.length - MOST_NAMES} more`];
  }
}

/** What may be different on a host that has run code: its stacks and heap, and variables, of which {@link DataWatch} tells. */
export function notCompared(hv: Hypervisor): AddressRange[] {
  if (hv.code === null) return [];
  return [...hv.code.ranges(), ...dataOf(hv).map(({ start, end }) => ({ start, end }))];
}
