import type { ImageRegion } from '../arch/index.ts';
import { addOffset } from '../base/index.ts';
import type { AddressRange } from '../xen/index.ts';
import type { Hypervisor } from './hypervisor.ts';
import { nameAt } from './symbol-text.ts';

/** Names that are told of at most. */
const MOST_NAMES = 12;

/** Bytes that are compared at a time: a pointer's. */
const WORD = 8;

const dataOf = (hv: Hypervisor): ImageRegion | undefined => hv.image.regions.find(({ name }) => name === 'rwdata');

/** The hypervisor's own variables, and which of them code has changed since. Of a host that runs no code, nothing is kept. */
export class DataWatch {
  readonly #hv: Hypervisor;
  readonly #before: Uint8Array | undefined;

  constructor(hv: Hypervisor) {
    this.#hv = hv;
    this.#before = hv.code === null ? undefined : this.#bytes()?.slice();
  }

  /** Symbols in whose memory something is different; the last entry says how many more there are. */
  changed(): string[] {
    const [before, now, region] = [this.#before, this.#bytes(), dataOf(this.#hv)];
    if (before === undefined || now === undefined || region === undefined) return [];
    const names = new Set<string>();
    for (let at = 0; at < before.length; at += WORD) {
      let same = true;
      for (let i = at; i < at + WORD && same; i++) same = before[i] === now[i];
      if (!same) names.add((nameAt(this.#hv, addOffset(region.start, at)) ?? '?').replace(/\+.*/, ''));
    }
    const all = [...names];
    return all.length <= MOST_NAMES ? all : [...all.slice(0, MOST_NAMES), `and ${all.length - MOST_NAMES} more`];
  }

  #bytes(): Uint8Array | undefined {
    const region = dataOf(this.#hv);
    return region === undefined
      ? undefined
      : this.#hv.machine.space.span(region.start, Number(region.end - region.start));
  }
}

/** What may be different on a host that has run code: its stacks and heap, and variables, of which {@link DataWatch} tells. */
export function notCompared(hv: Hypervisor): AddressRange[] {
  if (hv.code === null) return [];
  const data = dataOf(hv);
  return [...hv.code.ranges(), ...(data === undefined ? [] : [{ start: data.start, end: data.end }])];
}
