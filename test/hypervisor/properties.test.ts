import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { hex } from '../../src/base/index.ts';
import type { SimulatedTarget } from '../../src/hypervisor/index.ts';
import { RELEASES } from '../../src/xen/index.ts';
import { buildPayload } from '../support/elf-builder.ts';
import { exampleBytes } from '../support/examples.ts';
import { runs, SEED } from './fuzzing.ts';
import {
  act,
  apply,
  bootHost,
  digest,
  loaded,
  miniatureImage,
  releaseNamed,
  revert,
  unload,
  upload,
} from './support.ts';

// Slow, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 });

/** Releases that keep the state of functions outside the payload. */
const PRIVATE_STATE = RELEASES.filter(({ stateInPayload }) => !stateInPayload).map(({ version }) => version);

const xen = (): Uint8Array => miniatureImage().buildId as Uint8Array;
const id = (byte: number): Uint8Array => new Uint8Array(20).fill(byte);

/** Payloads that fit on one host, by name: a stack of the examples, and others. */
const FILES: Readonly<Record<string, Uint8Array>> = {
  hello: exampleBytes('hello'),
  stack: exampleBytes('stack'),
  replace: exampleBytes('replace'),
  nop: exampleBytes('nop'),
  data: exampleBytes('data'),
  expectation: exampleBytes('expectation'),
  alternatives: exampleBytes('alternatives'),
  two: buildPayload({
    functions: [
      { name: 'xen_extra_version', oldSize: 8 },
      { name: 'xen_major_version', oldSize: 8, code: null, newSize: 3 },
    ],
    buildId: id(0x22),
    depends: xen(),
    xenDepends: xen(),
  }),
};
const NAMES = Object.keys(FILES);

/** Permissions and bytes of all executable or read-only memory. */
function readOnly(target: SimulatedTarget, name: string): string {
  const { space } = target.hypervisor.machine;
  const { text, ro } = loaded(target, name);
  return [text, ro]
    .filter(({ size }) => size > 0)
    .map(({ addr, size }) => `${JSON.stringify(space.permissionAt(addr))} ${hex(space.read(addr, size))}`)
    .join('\n');
}

type Step = {
  readonly action: 'upload' | 'apply' | 'revert' | 'unload' | 'replace';
  readonly name: string;
  readonly flags: number;
};

const steps = fc.array(
  fc.record<Step>({
    action: fc.constantFrom('upload', 'upload', 'apply', 'apply', 'apply', 'revert', 'revert', 'replace', 'unload'),
    name: fc.constantFrom(...NAMES),
    flags: fc.constantFrom(0, 1),
  }),
  { minLength: 20, maxLength: 60, size: 'max' },
);

const seeded = (count: number) => ({ seed: SEED, numRuns: runs(count) });

describe('any sequence of actions over several payloads', () => {
  it('never changes read-only memory, and restores the machine', () => {
    let changed = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...PRIVATE_STATE),
        fc.subarray(NAMES, { minLength: 2 }),
        steps,
        (release, first, later) => {
          const target = bootHost({ release });
          const { hypervisor } = target;
          const before = digest(target);
          const uploads = first.map((name): Step => ({ action: 'upload', name, flags: 0 }));
          const sequence = [...uploads, ...later];
          const kept = new Map<string, string>();
          const unchanged = (what: string): void => {
            for (const [name, bytes] of kept) expect(readOnly(target, name), `${release} ${what}: ${name}`).toBe(bytes);
          };
          for (const { action, name, flags } of sequence) {
            const what = `${action} ${name}`;
            const there = hypervisor.payloads.some((payload) => payload.name === name);
            const snapshot = digest(target);
            if (action === 'upload') {
              const { rc } = upload(target, name, FILES[name]);
              if (rc === 0) kept.set(name, readOnly(target, name));
              else expect(digest(target), what).toBe(snapshot);
            } else {
              const { rc } = act(target, name, action, { flags });
              if (action === 'unload' && rc === 0 && there) kept.delete(name);
              if (digest(target) !== snapshot && action !== 'unload') changed++;
              if (!there) expect(rc, what).toBe(-2);
            }
            expect(hypervisor.stopped, `${release} ${what}`).toBeNull();
            expect(hypervisor.machine.space.writeProtect).toBe(true);
            expect([...kept.keys()].sort()).toEqual(hypervisor.payloads.map((payload) => payload.name).sort());
            unchanged(what);
          }
          // Revert the stack, then unload.
          for (const { name } of [...hypervisor.applied].reverse()) expect(revert(target, name).rc).toBe(0);
          unchanged('all reverted');
          for (const { name } of [...hypervisor.payloads]) expect(unload(target, name).rc).toBe(0);
          expect(digest(target)).toBe(before);
          expect(hypervisor.regions).toHaveLength(1);
          expect(hypervisor.vmapXen.alloc(1)).toBe(bootHost({ release }).hypervisor.vmapXen.alloc(1));
        },
      ),
      seeded(90),
    );
    // Functions are patched and restored several times per run.
    expect(changed).toBeGreaterThan(3 * runs(90));
  });
});

describe('apply, then revert', () => {
  const takes = (release: string, name: string): SimulatedTarget | null => {
    const target = bootHost({ release });
    return upload(target, name).rc === 0 && target.hypervisor.stopped === null ? target : null;
  };

  it.each(RELEASES.map(({ version }) => version))('restores bytes and permissions: %s', (release) => {
    let reverted = 0;
    for (const name of ['hello', 'writable', 'nop', 'data', 'expectation', 'alternatives', 'replace', 'own']) {
      const own = buildPayload({
        layout: releaseNamed(release).funcLayout,
        functions: [{ name: 'xen_extra_version', oldSize: 8 }],
        funcsFlags: 3, // SHF_WRITE | SHF_ALLOC: writable in every release
        depends: xen(),
        xenDepends: xen(),
      });
      const target = name === 'own' ? bootHost({ release }) : takes(release, name);
      if (target === null) continue;
      if (name === 'own') expect(upload(target, name, own).rc).toBe(0);
      const { hypervisor } = target;
      const uploaded = digest(target);
      const ownPages = hypervisor.machine.space.read(loaded(target, name).text.addr, loaded(target, name).pages * 4096);
      if (apply(target, name).rc !== 0) continue;
      expect(digest(target), name).not.toBe(uploaded);
      expect(revert(target, name).rc, name).toBe(0);
      reverted++;
      if (releaseNamed(release).stateInPayload) {
        // These releases leave the overwritten instructions in the payload, and nowhere else.
        hypervisor.machine.space.writeProtect = false;
        hypervisor.machine.space.write(loaded(target, name).text.addr, ownPages);
        hypervisor.machine.space.writeProtect = true;
      }
      expect(digest(target), `${release} ${name}`).toBe(uploaded);
    }
    // At least the payload built for the release.
    expect(reverted).toBeGreaterThan(0);
  });
});

describe('hosts', () => {
  it('are equal after equal histories', () => {
    fc.assert(
      fc.property(fc.constantFrom(...PRIVATE_STATE), steps, (release, sequence) => {
        const run = (): string => {
          const target = bootHost({ release });
          const said: string[] = [];
          for (const { action, name, flags } of sequence) {
            const { rc, console } =
              action === 'upload' ? upload(target, name, FILES[name]) : act(target, name, action, { flags });
            said.push(`${rc} ${console.join('|')}`);
          }
          return `${said.join('\n')} ${digest(target)}`;
        };
        expect(run()).toBe(run());
      }),
      seeded(30),
    );
  });

  it('do not change the image or the file', () => {
    const image = miniatureImage();
    const before = hex(image.elf.bytes);
    const file = exampleBytes('hello');
    const bytes = hex(file);
    const target = bootHost();
    upload(target, 'hello', file);
    apply(target, 'hello');
    expect(hex(image.elf.bytes)).toBe(before);
    expect(hex(file)).toBe(bytes);
  });
});
