import { expect } from 'vitest';
import type { SimulatedTarget } from '../../src/hypervisor/index.ts';
import { exampleBytes } from '../support/examples.ts';
import { apply, bootHost, digest, type HostSettings, loaded, type Outcome, revert, unload, upload } from './support.ts';

/** The possible outcomes of upload, apply, revert and unload. */
export type Ending = 'accepted' | 'refused' | 'panicked' | 'hook';

/** Most milliseconds per file: far more than any needs. */
export const TIME_LIMIT = 1000;

/**
 * Carries files through their lives on a host, and says how each ended. What must hold whatever the file is, is expected here:
 * nothing is thrown; a refusal has an errno and a finding and leaves no trace; a panic has a screen and a finding; in the end
 * the machine is the one before the upload.
 */
export class Carrier {
  readonly #settings: HostSettings;
  #target: SimulatedTarget;
  readonly #pristine: string;
  readonly #nextAddress: bigint;
  #slowest: { readonly name: string; readonly bytes: Uint8Array; readonly time: number } = {
    name: '',
    bytes: new Uint8Array(0),
    time: 0,
  };
  readonly endings: Record<Ending, number> = { accepted: 0, refused: 0, panicked: 0, hook: 0 };

  constructor(settings: HostSettings = {}) {
    this.#settings = settings;
    this.#target = bootHost(settings);
    this.#pristine = digest(this.#target);
    this.#nextAddress = this.#whereNextLands();
  }

  /** `name` is the file's name in messages. */
  carry(name: string, bytes: Uint8Array): Ending {
    const start = performance.now();
    const ending = this.#carry(name, bytes);
    const time = performance.now() - start;
    if (time > this.#slowest.time) this.#slowest = { name, bytes, time };
    this.endings[ending]++;
    if (ending === 'panicked' || ending === 'hook') this.#target = bootHost(this.#settings);
    else this.#expectNoTrace(name);
    return ending;
  }

  /** Expects that no file took longer than {@link TIME_LIMIT}; retries the slowest, because the machine may have been busy. */
  expectFast(): void {
    const { name, bytes, time } = this.#slowest;
    if (time < TIME_LIMIT) return;
    this.#slowest = { name: '', bytes, time: 0 };
    this.carry(name, bytes);
    expect(this.#slowest.time, name).toBeLessThan(TIME_LIMIT);
  }

  #carry(name: string, bytes: Uint8Array): Ending {
    const target = this.#target;
    const uploaded = this.#expectOutcome(name, upload(target, 'p', bytes));
    if (uploaded !== 'accepted') return uploaded;
    const applied = this.#expectOutcome(name, apply(target, 'p'));
    if (applied === 'panicked' || applied === 'hook') return applied;
    if (applied === 'accepted') {
      const reverted = this.#expectOutcome(name, revert(target, 'p'));
      if (reverted !== 'accepted') return reverted;
    }
    expect(unload(target, 'p').rc, name).toBe(0);
    return applied;
  }

  #expectOutcome(name: string, outcome: Outcome): Ending {
    if (outcome.hook !== null) return 'hook';
    if (this.#target.hypervisor.stopped !== null) {
      const { stopped } = this.#target.hypervisor;
      // A triple fault prints nothing, so its screen is empty.
      if (stopped.stop.cause.kind !== 'reset') expect(stopped.panic?.screen.length, name).toBeGreaterThan(5);
      expect(outcome.panic, name).not.toBeNull();
      expect(
        outcome.findings.some(({ severity }) => severity === 'error'),
        name,
      ).toBe(true);
      return 'panicked';
    }
    if (outcome.rc === 0) return 'accepted';
    expect(outcome.errno, name).toMatch(/^E[A-Z0-9]+$/);
    expect(
      outcome.findings.some(({ severity }) => severity === 'error'),
      name,
    ).toBe(true);
    return 'refused';
  }

  #expectNoTrace(name: string): void {
    const { hypervisor } = this.#target;
    expect(hypervisor.payloads.length + hypervisor.applied.length, name).toBe(0);
    expect(digest(this.#target), name).toBe(this.#pristine);
    expect(this.#whereNextLands(), name).toBe(this.#nextAddress);
  }

  /** Found by an upload and unload, since the allocator does not expose it. */
  #whereNextLands(): bigint {
    const { vmapXen } = this.#target.hypervisor;
    const address = vmapXen.alloc(3);
    if (address === undefined) throw new Error('VMAP_XEN is full');
    vmapXen.free(address);
    return address;
  }
}

/** Address of the good example after everything that has been on this host. */
export function nextPayloadAddress(target: SimulatedTarget): bigint {
  upload(target, 'probe', exampleBytes('hello'));
  const { addr } = loaded(target, 'probe').text;
  unload(target, 'probe');
  return addr;
}
